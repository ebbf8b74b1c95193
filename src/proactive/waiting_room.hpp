#pragma once

#include "proactive/limiter.hpp"
#include "proactive/near_window.hpp"

#include <tern/storage/schedule_types.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
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
};

/// Sends that the limiter holds back, in a queue for each conversation, tenant or bot that does: so that one is asked
/// for when its turn may have come, and not all of them. What would wait too long, or does not fit, is given a time to
/// come back, those of a scope as far apart as they can go.
///
/// Thread safety: none.
class WaitingRoom {
 public:
  WaitingRoom(std::size_t capacity, SteadyTime::duration longest) : capacity_(capacity), longest_(longest) {}

  /// What holds back a send already because others of its conversation, tenant or bot wait.
  std::optional<Limiter::Leave> held_by(const SendScope& scope) const;

  /// Takes `send` in, at the end of its queue, or says when to come back and leaves it as it was.
  std::optional<SteadyTime> enter(const Limiter::Leave& leave, SteadyTime now, ReadySend& send);
  /// Puts one back that `take` gave and that must wait on.
  void enter_again(const Limiter::Leave& leave, ReadySend send);
  /// The longest waiting send of a queue whose time has come.
  std::optional<ReadySend> take(SteadyTime now);
  /// When the next queue's time comes.
  std::optional<SteadyTime> next() const;

  /// Gives up those for which `is_so`; `told` hears of each.
  void drop(const std::function<bool(const ReadySend&)>& is_so, const std::function<void(ReadySend&)>& told);

  std::size_t size() const noexcept { return size_; }

 private:
  struct Queue {
    std::deque<ReadySend> sends;
    SteadyTime at{};
    SteadyTime::duration spacing{};
  };

  void wake_at(std::uint64_t scope, Queue& queue, SteadyTime at);
  SteadyTime come_back(const Limiter::Leave& leave, SteadyTime now, SteadyTime expected);

  const std::size_t capacity_;
  const SteadyTime::duration longest_;
  std::size_t size_ = 0;
  std::unordered_map<std::uint64_t, Queue> queues_;  // none is empty
  std::set<std::pair<SteadyTime, std::uint64_t>> wakes_;
  boost::unordered_flat_map<std::uint64_t, SteadyTime> last_back_;  // when the last that was sent away comes back
  std::size_t next_look_ = 1'024;
};

}  // namespace tern::proactive
