#include "auth/token_schedule.hpp"

#include <algorithm>

namespace tern::auth {

TokenSchedule::Step TokenSchedule::ask(SteadyTime now) noexcept {
  const bool good = is_good(now);
  const bool due = !good || refused_ || now >= renew_at_;
  const bool request = due && pace_.may_begin(now);
  if (request) {
    pace_.begin();
  }
  if (good && !(refused_ && pace_.under_way())) {
    return {Answer::use, request};
  }
  return {pace_.under_way() ? Answer::wait : Answer::fail, request};
}

void TokenSchedule::succeeded(SteadyTime began, SteadyTime::duration lifetime,
                              std::optional<SteadyTime::duration> renew_in) noexcept {
  auto renew = lifetime > 2 * times_.renew_before ? lifetime - times_.renew_before : lifetime / 2;
  if (renew_in && *renew_in > SteadyTime::duration::zero()) {
    renew = std::min(renew, *renew_in);
  }
  pace_.succeeded();
  refused_ = false;
  expires_ = began + lifetime;
  renew_at_ = began + renew;
}

void TokenSchedule::failed(SteadyTime now, std::optional<SteadyTime::duration> retry_after, double random) noexcept {
  const auto asked = std::min(retry_after.value_or(SteadyTime::duration::zero()), times_.longest_retry_after);
  pace_.failed(now, random / 2, asked);
}

bool TokenSchedule::refuse(SteadyTime now) noexcept {
  if (refused_) {
    return true;
  }
  if (refused_at_ && now - *refused_at_ < times_.refusal_pause) {
    return false;  // the new one was refused as well, so it is not the token
  }
  refused_ = true;
  refused_at_ = now;
  return true;
}

}  // namespace tern::auth
