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

/// A send whose record was read, and the scopes that it counts for.
struct ReadySend {
  DueEntry entry;
  ScheduledSend send;
  SendScope scope;
  SteadyTime since{};  ///< when it was ready to go
  SteadyTime went{};   ///< when it had its place among the shares
};

/// A due send that must wait. Its record is in the store, where it can be edited meanwhile, and is read again when its
/// turn has come.
struct WaitingSend {
  DueEntry entry;
  SendScope scope;
  SteadyTime since{};
};

/// Sends that wait, in a queue for each conversation, tenant, bot, host or other thing that holds sends back. So only
/// the first send of a queue asks when its turn may have come. A send that would wait too long, or that does not fit,
/// is given a time to come back; the times of a scope are as far apart as its sends can go. Sends that may never go
/// fill at most half of the room.
///
/// Thread safety: none.
class WaitingRoom {
 public:
  /// Sends wait here for `longest` at most. With `longest_away` they come back from the store within that time,
  /// because nobody knows when their turn comes. Without it they come back when their limits let them go.
  WaitingRoom(std::size_t capacity, SteadyTime::duration longest,
              std::optional<SteadyTime::duration> longest_away = std::nullopt)
      : capacity_(capacity), longest_(longest), longest_away_(longest_away) {}

  /// What already holds back other sends of its conversation, tenant, bot or host, and so this one.
  std::optional<Limiter::Leave> held_by(const SendScope& scope) const;

  /// Takes `send` in, at the end of its queue, or says when to come back.
  std::optional<SteadyTime> enter(const Limiter::Leave& leave, SteadyTime now, const WaitingSend& send);
  /// Puts a send back that `take` returned and that must wait longer.
  void enter_again(const Limiter::Leave& leave, const WaitingSend& send);
  /// The longest waiting send of a queue whose time has come.
  std::optional<WaitingSend> take(SteadyTime now);
  /// When the next queue's time comes.
  std::optional<SteadyTime> next() const;
  /// The sends of this scope are not held back any more.
  void wake(std::uint64_t scope, SteadyTime now);

  /// Whether limits say when the turn of a send comes.
  bool is_for_limits() const noexcept { return !longest_away_; }

  /// Gives up the sends for which `is_so` returns true; `told` is called for each.
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

/// The reason why a send is held back, and the room where it waits.
struct Hold {
  WaitingRoom* room;
  Limiter::Leave leave;
  bool is_lost = false;  ///< it has waited for so long that it is given up
};

}  // namespace tern::proactive
