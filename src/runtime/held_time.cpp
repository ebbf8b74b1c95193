#include "runtime/held_time.hpp"

#include <algorithm>

namespace tern::runtime {

using std::chrono::nanoseconds;

void HeldTime::begin(SteadyTime now, nanoseconds ran) noexcept {
  *this = HeldTime(unknown_);
  began_ = now;
  ran_ = ran;
}

nanoseconds HeldTime::look(SteadyTime now, const ThreadTimes& times) noexcept {
  if (!seen_) {
    seen_ = true;
    waited_ = times.waited;
    if (waited_) {
      began_ = std::max(began_, now - unknown_);
    }
  }
  looked_ = now;
  held_ = std::max(held_, times.ran - ran_);
  if (times.blocked) {
    const auto waited = times.waited && waited_ ? *times.waited - *waited_ : nanoseconds(0);
    held_ = std::max<nanoseconds>(held_, now - began_ - waited);
  }
  return held_;
}

nanoseconds HeldTime::end(SteadyTime now) const noexcept {
  return held_ + std::max<nanoseconds>(now - looked_, nanoseconds(0));
}

}  // namespace tern::runtime
