#include "auth/key_schedule.hpp"

#include <algorithm>

namespace tern::auth {

KeySchedule::Step KeySchedule::ask(bool has_key, SteadyTime now) {
  if (has_key) {
    const SteadyTime::duration age = now - *loaded_at_;
    const bool fetch = age >= times_.refresh_after && !fetching_ && !pauses(now);
    const bool wait = age >= times_.wait_after && (fetching_ || fetch);
    const Answer answer = wait ? Answer::wait : Answer::use;
    return fetch ? begin(answer) : Step{answer};
  }
  if (fetching_) {
    return {Answer::wait};
  }
  if (pauses(now)) {
    return {Answer::unavailable};
  }
  if (unknown_until_ && now < *unknown_until_) {
    return {Answer::later, false, *unknown_until_ - now};
  }
  return begin(Answer::wait);
}

KeySchedule::Answer KeySchedule::after_fetch(bool has_key) const noexcept {
  if (has_key) {
    return Answer::use;
  }
  return failures_ > 0 ? Answer::unavailable : Answer::unknown;
}

void KeySchedule::succeeded(SteadyTime now, bool in_vain) noexcept {
  fetching_ = false;
  failures_ = 0;
  loaded_at_ = now;
  if (in_vain) {
    unknown_until_ = now + times_.unknown_pause;
  }
}

void KeySchedule::failed(SteadyTime now) noexcept {
  fetching_ = false;
  ++failures_;
  const unsigned doublings = std::min(failures_ - 1, 20U);
  next_try_ = now + std::min(times_.longest_pause, times_.first_pause * (1U << doublings));
}

}  // namespace tern::auth
