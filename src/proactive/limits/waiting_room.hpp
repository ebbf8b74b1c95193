#pragma once

#include "proactive/limits/limiter.hpp"

#include <tern/storage/schedule_types.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace tern::proactive {

/// A send whose record was read, and what it counts to.
struct ReadySend {
  DueEntry entry;
  ScheduledSend send;
  SendScope scope;
  SteadyTime since{};  ///< when it was ready to go
  SteadyTime went{};   ///< when it had its place among the shares
};

/// One that is due and must wait. Its record is in the store, where it can be edited meanwhile, and is read again when
/// its turn has come.
struct WaitingSend {
  DueEntry entry;
  SendScope scope;
  SteadyTime since{};
};

/// Sends that something holds back, in a queue for each conversation, tenant, bot, host or other thing that does: so
/// that one is asked for when its turn may have come, and not all of them. What would wait too long, or does not fit,
/// is given a time to come back, those of a scope as far apart as they can go. What is in doubt to go at all fills at
/// most half.
///
/// Thread safety: none.
class WaitingRoom {
 public:
  /// Sends wait here for `longest` at most. `longest_away`: they come back from the store within this time, for nobody
  /// knows when their turn comes; without it they come back when their limits let them.
  WaitingRoom(std::size_t capacity, SteadyTime::duration longest,
              std::optional<SteadyTime::duration> longest_away = std::nullopt)
      : capacity_(capacity), longest_(longest), longest_away_(longest_away) {}

  /// What holds back a send already because others of its conversation, tenant, bot or host wait.
  std::optional<Limiter::Leave> held_by(const SendScope& scope) const;

  /// Takes `send` in, at the end of its queue, or says when to come back.
  std::optional<SteadyTime> enter(const Limiter::Leave& leave, SteadyTime now, const WaitingSend& send);
  /// Puts one back that `take` gave and that must wait on.
  void enter_again(const Limiter::Leave& leave, const WaitingSend& send);
  /// The longest waiting send of a queue whose time has come.
  std::optional<WaitingSend> take(SteadyTime now);
  /// When the next queue's time comes.
  std::optional<SteadyTime> next() const;
  /// What held back this scope does so no more.
  void wake(std::uint64_t scope, SteadyTime now);

  /// Whether limits say when the turn of a send comes.
  bool is_for_limits() const noexcept { return !longest_away_; }

  /// Gives up those for which `is_so`; `told` hears of each.
  void drop(const std::function<bool(const WaitingSend&)>& is_so, const std::function<void(const WaitingSend&)>& told);
  /// The send with this id, if it waits here.
  const DueEntry* find(const std::array<std::uint8_t, 16>& id) const;

  std::size_t size() const noexcept { return size_; }

 private:
  struct IdHash {
    std::size_t operator()(const std::array<std::uint8_t, 16>& id) const noexcept;
  };
  struct Queue {
    std::deque<WaitingSend> sends;
    SteadyTime at{};
    SteadyTime::duration spacing{};
    std::optional<SteadyTime::duration> within;
    bool in_doubt = false;

    void note(const Limiter::Leave& leave) noexcept {
      spacing = leave.spacing;
      within = leave.within;
      in_doubt = leave.in_doubt;
    }
  };

  void wake_at(std::uint64_t scope, Queue& queue, SteadyTime at);
  SteadyTime come_back(const Limiter::Leave& leave, SteadyTime now, SteadyTime expected);

  const std::size_t capacity_;
  const SteadyTime::duration longest_;
  const std::optional<SteadyTime::duration> longest_away_;
  std::size_t size_ = 0;
  boost::unordered_flat_map<std::array<std::uint8_t, 16>, DueEntry, IdHash> entries_;  // of all that wait
  std::unordered_map<std::uint64_t, Queue> queues_;                                    // none is empty
  std::set<std::pair<SteadyTime, std::uint64_t>> wakes_;
  boost::unordered_flat_map<std::uint64_t, SteadyTime> last_back_;  // when the last that was sent away comes back
  std::size_t next_look_ = 1'024;
};

/// What holds a send back, and where it waits for that.
struct Hold {
  WaitingRoom* room;
  Limiter::Leave leave;
  bool is_lost = false;  ///< it has waited for so long that it is given up
};

}  // namespace tern::proactive
