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

/// What the failure of a send means: for the send, and for the conversation, tenant or bot that the channel speaks of.
struct Verdict {
  enum class Kind : std::uint8_t {
    retry,        ///< it is tried again after `delay`, and the attempt counts
    postpone,     ///< nothing is wrong with it: it is tried again after `delay`, and the attempt does not count
    judge_later,  ///< it is refused. Whether its conversation is meant or the bot shows within `Limiter::refusals_time`
    dead,         ///< it can never arrive, or may not be tried again
    leave         ///< nothing is recorded: the process is ending, the next one sends it
  };
  /// What the channel's answer says of more than this send.
  enum class Refusal : std::uint8_t {
    none,
    throttled,     ///< 429: of its conversation, tenant or bot for a while
    barred,        ///< 403: its conversation is gone, unless others are refused alike: then the bot is meant
    gone,          ///< 404 or 410 by the channel itself: likewise, and the channel is believed sooner
    astray,        ///< it did not reach the channel, as a gateway's page shows: the way to it is meant
    unauthorized,  ///< 401: the bot is meant
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

/// The reason of a send that is dead because the channel knows its conversation no more, or bars the bot from it.
inline constexpr std::string_view conversation_gone = "conversation_gone";

struct SendPolicy {
  SendPolicy() = default;
  std::chrono::milliseconds first_delay{1'000};
  std::chrono::milliseconds longest_delay{300'000};
  /// Between attempts that may arrive: longer, because each of them may be one message more to a person. After the
  /// first they are as close as others, after the second up to `second_ambiguous_delay` apart, then four times as far
  /// each time.
  std::chrono::milliseconds second_ambiguous_delay{20'000};
  std::chrono::milliseconds longest_ambiguous_delay{3'600'000};
  /// What is later than this, and was tried so often, is dead when it fails again. The number alone would not do: a
  /// channel may be away for an hour, and a promise is to be late rather than broken. Nor would the time: this bot may
  /// have been away itself.
  std::chrono::hours give_up_after{24};
  std::uint32_t least_attempts = 12;
  /// The same for what was refused by somebody on the way while others are served: there are channels that say so that
  /// a conversation is gone.
  std::chrono::minutes give_up_astray_after{60};
  /// A Retry-After that asks for more is taken to ask for this.
  std::chrono::milliseconds longest_retry_after{3'600'000};

  /// The verdict on a send whose attempt has failed. What the channel has said is told to `limiter`, if there is one:
  /// a 429 freezes what it means, and refusals pause the bot once it is meant as a whole. A continuation is judged like
  /// what it has sent.
  /// Source: schedule, "Sending".
  Verdict judge(const FailedSend& failed, Limiter* limiter, SteadyTime now) const;
  /// The verdict on a reply of a turn whose `tries`-th try has failed: `retry` or `dead`. What has surely not arrived
  /// is tried again: after a 429, and a few times after it was not connected or not written. Of what the channel has
  /// said a 429 alone is told to `limiter`.
  Verdict judge_reply(const std::exception_ptr& error, std::uint32_t tries, const SendScope& scope, Limiter& limiter,
                      SteadyTime now, double random) const;

  /// What an exception says by itself about an attempt, the `attempt`-th (from 1) of a send that was due `late` ago:
  /// `retry`, `dead` or `leave`. `random`: uniform in [0, 1).
  Verdict judge_alone(const std::exception_ptr& error, std::uint32_t attempt, WallTime::duration late,
                      double random) const;
  /// For a send whose refusal may mean the bot: another attempt, which is counted, or dead when it was tried for long
  /// enough. `ambiguous`: each attempt may have reached a person. The other parameters as above.
  Verdict try_again(std::string reason, bool ambiguous, std::uint32_t attempt, WallTime::duration late,
                    double random) const;
};

/// Whether a channel that answered with this error may have taken the message all the same.
constexpr bool may_have_arrived(int status) noexcept {
  return status == 408 || status == 412 || status >= 500;
}

}  // namespace tern::proactive
