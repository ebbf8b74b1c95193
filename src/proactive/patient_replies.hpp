#pragma once

#include "proactive/limits/limiter.hpp"
#include "proactive/limits/send_policy.hpp"
#include "proactive/schedule/schedule_figures.hpp"
#include "turn/environment.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>

#include <chrono>
#include <optional>

namespace tern::proactive {

/// Sends the replies of turns by the rules of scheduled sends, as far as a turn has time for them. Replies keep to the
/// windows of their channel, which they share with scheduled sends. A reply that certainly did not arrive is tried
/// again: after a 429 when its Retry-After is over, and a few times when it was not connected or not written. The
/// handler decides about a reply that may have arrived.
///
/// Thread safety: as `ReplyCarrier`.
class PatientReplies final : public detail::ReplyCarrier {
 public:
  /// Lifetime: the clock, limiter and figures outlive it.
  PatientReplies(Clock& clock, Limiter& limiter, ScheduleFigures& figures, Metrics& metrics,
                 std::chrono::milliseconds patience, std::chrono::milliseconds longest_retry_after);

  /// For each try.
  void set_send_timeout(std::chrono::milliseconds timeout) noexcept { send_timeout_ = timeout; }

  bool is_free(std::string_view channel) const override;
  awaitable<ResourceResponse> carry(Address to, Try attempt, std::exception_ptr failed) override;

 private:
  struct Reply {
    SendScope scope;
    SteadyTime until;  ///< when the turn's patience is over
    std::uint32_t tries = 0;
  };
  std::optional<SteadyTime::duration> pause_before_next(const Reply& reply, const std::exception_ptr& failed);
  awaitable<bool> wait_for_windows(Reply reply);

  Clock& clock_;
  Limiter& limiter_;
  ScheduleFigures& figures_;
  Counter retried_;
  const std::chrono::milliseconds patience_;
  std::chrono::milliseconds send_timeout_{15'000};
  SendPolicy policy_;
};

}  // namespace tern::proactive
