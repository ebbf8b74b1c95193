#include "proactive/schedule/run_places.hpp"

#include <algorithm>

namespace tern::proactive {

namespace {

// All of them wait for the same thing.
constexpr std::uint64_t place = 1;

}  // namespace

std::optional<Hold> RunPlaces::ask(std::size_t unrecorded, SteadyTime now) {
  if (room_.size() == 0 && flight_.has_place_to_run(unrecorded)) {
    flight_.begin_run();
    return std::nullopt;
  }
  return Hold{&room_, {now, place, spacing(places_)}};
}

std::optional<WaitingSend> RunPlaces::take(std::size_t unrecorded) {
  if (!flight_.has_place_to_run(unrecorded)) {
    return std::nullopt;
  }
  const auto next = room_.take(SteadyTime::max());
  if (next) {
    flight_.begin_run();
  }
  return next;
}

void RunPlaces::ended(SteadyTime::duration took) noexcept {
  flight_.end_run();
  usual_run_ += (took - usual_run_) / 4;
}

SteadyTime::duration RunPlaces::spacing(std::size_t places) const noexcept {
  const auto spacing = usual_run_ / static_cast<SteadyTime::rep>(std::max<std::size_t>(1, places));
  return std::max<SteadyTime::duration>(spacing, std::chrono::microseconds(100));
}

}  // namespace tern::proactive
