#pragma once

#include "proactive/limits/limiter.hpp"
#include "proactive/limits/send_shares.hpp"
#include "proactive/limits/waiting_room.hpp"
#include "proactive/references/fetched_send.hpp"

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tern::proactive {

/// Says which messages may go: those that the limits of their channel let through (`Limiter`) and that have a share of
/// the places (`SendShares`). Those that may not wait in one of two rooms. It neither sends nor sleeps, and the caller
/// passes the time.
///
/// Thread safety: none, but the limiter is shared by all schedulers of a process.
class SendGate {
 public:
  struct Options {
    std::size_t places = 256;               ///< sends under way at once
    std::size_t waiting = 1'024;            ///< sends that wait in memory for the limiter
    std::size_t waiting_for_share = 1'024;  ///< sends that wait in memory for a share
    std::chrono::milliseconds longest_wait{5'000};
    /// What is overdue for so long, to a host that has not answered for long, is given up.
    std::chrono::hours give_up_after{24};
  };
  /// `limiter`: null when there are no limits and no shares.
  /// Lifetime: the limiter outlives it.
  SendGate(Limiter* limiter, const Options& options);

  /// To what a message counts. Without a limiter to nothing, and then it may always go.
  SendScope scope_of(const FetchedSend& fetched);
  /// What holds back a message that is due; nullopt: it goes, and counts until `ended` or `withdrawn`.
  std::optional<Hold> ask(const ReadySend& ready, SteadyTime now, WallTime wall_now);
  /// A message whose turn has come. It counts until `ended` or `withdrawn`.
  std::optional<WaitingSend> take(SteadyTime now, WallTime wall_now);
  /// What came of one that went at `went`. What waits for its place asks again.
  SendShares::Change ended(const SendScope& scope, SteadyTime went, SteadyTime now, Shares::End end);
  /// It does not go after all.
  SendShares::Change withdrawn(const SendScope& scope, SteadyTime went, SteadyTime now);
  /// The channel has taken a message. True when the bot was paused, which this ends.
  bool succeeded(const SendScope& scope, SteadyTime now);

  /// How many messages that are due are worth reading now.
  std::size_t room(SteadyTime now) const { return shares_.room(now); }
  /// When the next of those that wait may go.
  std::optional<SteadyTime> next() const;

  const SendShares& shares() const noexcept { return shares_; }
  WaitingRoom& limits_room() noexcept { return limits_room_; }
  WaitingRoom& shares_room() noexcept { return shares_room_; }

 private:
  std::optional<Hold> ask_to_go(const SendScope& scope, const DueEntry& entry, SteadyTime now, WallTime wall_now);
  bool is_lost(const ReadySend& ready, const Hold& hold, WallTime wall_now) const;
  SendShares::Change leave_share(const SendScope& scope, SteadyTime went, SteadyTime now, Shares::End end);

  Limiter* const limiter_;
  const std::chrono::hours give_up_after_;
  SendShares shares_;
  WaitingRoom limits_room_;
  WaitingRoom shares_room_;
};

}  // namespace tern::proactive
