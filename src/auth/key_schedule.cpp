#include "auth/key_schedule.hpp"

namespace tern::auth {

KeySchedule::Step KeySchedule::ask(bool has_key, SteadyTime now) {
  if (has_key) {
    const SteadyTime::duration age = now - *loaded_at_;
    const bool fetch = age >= times_.refresh_after && pace_.may_begin(now);
    const bool wait = age >= times_.wait_after && (pace_.under_way() || fetch);
    const Answer answer = wait ? Answer::wait : Answer::use;
    return fetch ? begin(answer) : Step{answer};
  }
  if (pace_.under_way()) {
    return {Answer::wait};
  }
  if (pace_.pauses(now)) {
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
  return pace_.last_failed() ? Answer::unavailable : Answer::unknown;
}

void KeySchedule::succeeded(SteadyTime now, bool in_vain) noexcept {
  pace_.succeeded();
  loaded_at_ = now;
  if (in_vain) {
    unknown_until_ = now + times_.unknown_pause;
  }
}

void KeySchedule::failed(SteadyTime now) noexcept {
  pace_.failed(now);
}

}  // namespace tern::auth
