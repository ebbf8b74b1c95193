#pragma once

#include "proactive/limits/limiter.hpp"
#include "proactive/limits/send_shares.hpp"
#include "proactive/limits/waiting_room.hpp"
#include "proactive/references/fetched_send.hpp"

#include <tern/async/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tern::proactive {

/// Decides which messages may go: the limits of the channel must let them through (`Limiter`), and they must have a
/// share of the places (`SendShares`). The other messages wait in one of two rooms. It neither sends nor sleeps, and
/// the caller passes the time.
///
/// Thread safety: none, but the limiter is shared by all schedulers of a process.
class SendGate {
 public:
  struct Options {
    std::size_t places = 256;               ///< sends under way at once
    std::size_t waiting = 1'024;            ///< sends that wait in memory for the limiter
    std::size_t waiting_for_share = 1'024;  ///< sends that wait in memory for a share
    std::chrono::milliseconds longest_wait{5'000};
    /// A send that is overdue for this long, to a host that has not answered for long, is given up.
    std::chrono::hours give_up_after{24};
  };
  /// `limiter`: null when there are no limits and no shares.
  /// Lifetime: the limiter outlives it.
  SendGate(Limiter* limiter, const Options& options);

  /// The scopes that a send counts for. There are none without a limiter, and for a continuation, which sends what its
  /// turn decides, if anything: such a send may always go.
  SendScope scope_of(const FetchedSend& fetched);
  /// What holds back a due message. nullopt: the message goes, and counts until `ended` or `withdrawn`.
  std::optional<Hold> ask(const ReadySend& ready, SteadyTime now, WallTime wall_now);
  /// A message whose turn has come. It counts until `ended` or `withdrawn`.
  std::optional<WaitingSend> take(SteadyTime now, WallTime wall_now);
  /// A message that went at `went` has ended. Messages that wait for its place ask again.
  SendShares::Change ended(const SendScope& scope, SteadyTime went, SteadyTime now, Shares::End end);
  /// It does not go after all.
  SendShares::Change withdrawn(const SendScope& scope, SteadyTime went, SteadyTime now);
  /// The channel has taken a message. True when the bot was paused, which this ends.
  bool succeeded(const SendScope& scope, SteadyTime now);

  /// How many due sends are worth reading now: as many as have a share of the places. After sends that need no share,
  /// as many as these at least, because further ones are likely to be of the same kind.
  std::size_t room(SteadyTime now) const { return std::max(shares_.room(now), without_share_); }
  /// When the next waiting message may go.
  std::optional<SteadyTime> next() const;

  const SendShares& shares() const noexcept { return shares_; }
  WaitingRoom& limits_room() noexcept { return limits_room_; }
  WaitingRoom& shares_room() noexcept { return shares_room_; }

 private:
  SendScope scope_by_limits(const FetchedSend& fetched);
  std::optional<Hold> ask_to_go(const SendScope& scope, const DueEntry& entry, SteadyTime now, WallTime wall_now);
  bool is_lost(const ReadySend& ready, const Hold& hold, WallTime wall_now) const;
  SendShares::Change leave_share(const SendScope& scope, SteadyTime went, SteadyTime now, Shares::End end);

  Limiter* const limiter_;
  const std::chrono::hours give_up_after_;
  SendShares shares_;
  WaitingRoom limits_room_;
  WaitingRoom shares_room_;
  std::size_t without_share_ = 0;  ///< so many of the last sends in a row need no share
};

}  // namespace tern::proactive
