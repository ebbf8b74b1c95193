#include <tern/async/deadline.hpp>

namespace tern {

Deadline Deadline::after(SteadyTime::duration duration, const Clock& clock) noexcept {
  const SteadyTime now = clock.now();
  const SteadyTime::duration zero{0};
  if (duration > zero && now > SteadyTime::max() - duration) {
    return never();
  }
  if (duration < zero && now < SteadyTime::min() - duration) {
    return at(SteadyTime::min());
  }
  return at(now + duration);
}

SteadyTime::duration Deadline::remaining(const Clock& clock) const noexcept {
  if (is_never()) {
    return SteadyTime::duration::max();
  }
  const SteadyTime now = clock.now();
  return now < when_ ? when_ - now : SteadyTime::duration::zero();
}

}  // namespace tern
