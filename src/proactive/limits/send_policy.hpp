#pragma once

#include "proactive/limits/limiter.hpp"

#include <tern/async/clock.hpp>
#include <tern/error.hpp>
#include <tern/storage/schedule_types.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tern::proactive {

/// The meaning of the failure of a send, for the send and for the conversation, tenant or bot that the channel means.
struct Verdict {
  enum class Kind : std::uint8_t {
    retry,        ///< it is tried again after `delay`, and the attempt counts
    postpone,     ///< nothing is wrong with it: it is tried again after `delay`, and the attempt does not count
    judge_later,  ///< it is refused; `Limiter::refusals_time` shows whether its conversation is meant, or the bot
    dead,         ///< it can never arrive, or may not be tried again
    leave         ///< nothing is recorded: the process is ending, the next one sends it
  };
  /// The meaning of the channel's answer beyond this send.
  enum class Refusal : std::uint8_t {
    none,
    throttled,     ///< 429: its conversation, tenant or bot is frozen for a while
    barred,        ///< 403: its conversation is gone, or, if others are refused in the same way, the bot is meant
    gone,          ///< 404 or 410 by the channel itself: the same, but the channel is believed sooner
    astray,        ///< it did not reach the channel, as a gateway's page shows: the way to it is meant
    unauthorized,  ///< 401, or no token because the bot's credentials are wrong: the bot is meant
  };
  Kind kind = Kind::retry;
  std::chrono::milliseconds delay{0};
  bool ambiguous = false;  ///< it may have arrived: a retry may be a duplicate
  Refusal refusal = Refusal::none;
  std::optional<std::chrono::milliseconds> retry_after;  ///< as the channel said it
  std::optional<Limiter::Frozen> frozen;                 ///< what a 429 was taken to freeze
  std::optional<Limiter::Pause> pause;                   ///< the whole bot pauses
  std::string reason;                                    ///< for the log, and of one that is dead
  std::string said;  ///< what the answer alone means for the send, in words: the reason of the bot's pause
};

/// A send of the schedule whose attempt has failed.
struct FailedSend {
  const ScheduledSend& send;
  const SendScope& scope;  ///< to what it has counted; a continuation counts to nothing
  const std::exception_ptr& error;
  WallTime::duration late{};  ///< how long ago it was due
  double random = 0;          ///< uniform in [0, 1)
};

/// The reason of a dead send whose conversation the channel does not know any more, or bars the bot from.
inline constexpr std::string_view conversation_gone = "conversation_gone";

struct SendPolicy {
  SendPolicy() = default;
  std::chrono::milliseconds first_delay{1'000};
  std::chrono::milliseconds longest_delay{300'000};
  /// The pause between attempts that may arrive is longer, because each attempt may be one message more to a person.
  /// After the first attempt it is as short as others; after the second it is up to `second_ambiguous_delay`; from
  /// then on it grows fourfold.
  std::chrono::milliseconds second_ambiguous_delay{20'000};
  std::chrono::milliseconds longest_ambiguous_delay{3'600'000};
  /// A send that is later than this, and was tried this often, is dead when it fails again. The number alone is not
  /// enough: a channel may be away for an hour, and a promise is better late than broken. Neither is the time: this
  /// bot may have been away itself.
  std::chrono::hours give_up_after{24};
  std::uint32_t least_attempts = 12;
  /// The same for a send that a gateway on the way refused while others are served: some channels say in this way that
  /// a conversation is gone.
  std::chrono::minutes give_up_astray_after{60};
  /// A longer Retry-After is taken for this.
  std::chrono::milliseconds longest_retry_after{3'600'000};

  /// The verdict on a send whose attempt has failed. `limiter`, if there is one, is told the meaning of the answer: a
  /// 429 freezes a scope, and refusals pause the bot once they mean the whole bot. A continuation is judged by the
  /// failure of the message that it sent.
  /// Source: docs/promises.md, "Limits of the channels".
  Verdict judge(const FailedSend& failed, Limiter* limiter, SteadyTime now) const;
  /// The verdict on a reply of a turn whose `tries`-th try has failed: `retry` or `dead`. A reply that certainly did
  /// not arrive is tried again: after a 429, and a few times when it was not connected or not written. Of the
  /// channel's answers `limiter` is told only a 429.
  Verdict judge_reply(const std::exception_ptr& error, std::uint32_t tries, const SendScope& scope, Limiter& limiter,
                      SteadyTime now, double random) const;

  /// The meaning of an exception by itself, for the `attempt`-th attempt (from 1) of a send that was due `late` ago:
  /// `retry`, `dead` or `leave`. `random`: uniform in [0, 1).
  Verdict judge_alone(const std::exception_ptr& error, std::uint32_t attempt, WallTime::duration late,
                      double random) const;
  /// For a send whose refusal may mean the bot: another attempt, which is counted, or dead when the send was tried for
  /// long enough. `ambiguous`: each attempt may have reached a person. The other parameters as above.
  Verdict try_again(std::string reason, bool ambiguous, std::uint32_t attempt, WallTime::duration late,
                    double random) const;
};

/// Whether a channel that answered with this error may have taken the message all the same.
constexpr bool may_have_arrived(int status) noexcept {
  return status == 408 || status == 412 || status >= 500;
}

}  // namespace tern::proactive
