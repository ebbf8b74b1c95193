#pragma once

#include "proactive/schedule/slot_leases.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/timer.hpp>
#include <tern/storage/any_storage.hpp>

#include <string>
#include <vector>

namespace tern::proactive {

/// The users of slots, on all shards.
class SlotWork {
 public:
  virtual ~SlotWork() = default;
  /// From now on exactly these slots are owned, with these leases.
  virtual void own(const std::vector<SlotLease>& leases) = 0;
  /// Begins no more sends of these slots. True once none of their sends is under way and all outcomes are written;
  /// false when `by` came first.
  virtual awaitable<bool> quiet(SlotSet slots, Deadline by) = 0;
  /// Slots with a send under way, or with an outcome that is not written.
  virtual awaitable<SlotSet> under_way() { co_return SlotSet(); }
  /// Sends that were committed, perhaps by another process, into a time that had been loaded before.
  virtual void on_late(std::vector<DueEntry> entries) = 0;
};

/// Holds this process's share of the slots. It renews the leases and takes slots that are free or whose lease has
/// ended. When another process comes, it gives up the slots beyond its share, each once none of its sends is under
/// way. With a store of one process it takes all slots, once.
///
/// Lifetime: `stop`, then the end of `run`, before destruction.
/// Thread safety: everything on its executor.
class SlotKeeper {
 public:
  /// Source: docs/storage.md, "postgres".
  static constexpr std::chrono::milliseconds heartbeat{2'000};
  static constexpr std::chrono::milliseconds late_poll{75};
  /// When the clock differs by more from the store's, the log says so. Replicas with different clocks send early or
  /// late.
  static constexpr std::chrono::milliseconds most_apart{500};

  /// `owner`: unique to this process. `poll`: how often the store is asked for late commits.
  SlotKeeper(executor ex, AnyStorage storage, SlotWork& work, Clock& clock, std::string owner,
             std::chrono::milliseconds poll = late_poll);
  SlotKeeper(const SlotKeeper&) = delete;
  SlotKeeper& operator=(const SlotKeeper&) = delete;

  /// Takes free slots.
  /// Errors: those of the storage.
  awaitable<void> take(Deadline by);
  /// Whether there is anything to do for `run`: others may come, and commit.
  bool is_shared() const noexcept { return shared_; }
  /// Keeps the share, until `stop`. It waits through outages of the store.
  awaitable<void> run();
  /// Asks for late commits, until `stop`.
  awaitable<void> run_late();
  /// The process ends: the leases are renewed as long as sends are under way, but nothing more is taken.
  void take_no_more() noexcept { settled_ = true; }
  void stop() noexcept;
  /// Gives back the slots without a send under way, once `run` has ended; after `stop`. The other leases end by
  /// themselves: a process that took such a slot now would repeat a send that this process may be sending.
  /// Errors: those of the storage.
  awaitable<void> release(Deadline by);

  std::size_t held() const noexcept { return leases_.size(); }
  /// Live processes that share the slots, this one among them.
  std::uint16_t owners() const noexcept { return owners_; }
  /// By how much the store's clock is ahead, as of the last heartbeat; zero for a store that has none.
  WallTime::duration clock_ahead() const noexcept { return clock_ahead_; }

 private:
  awaitable<void> beat();
  awaitable<void> release_quiet_slots();
  void begin_to_leave();
  void adopt(std::vector<SlotLease> leases);
  void look_at_clock(const HeldSlots& held);
  awaitable<void> leave(SlotSet slots);
  void tell();
  std::uint16_t share() const noexcept;
  std::uint16_t wanted() const noexcept;

  executor ex_;
  AnyStorage storage_;
  SlotWork& work_;
  Clock& clock_;
  const std::string owner_;
  const bool shared_;
  const std::chrono::milliseconds poll_;
  Timer heartbeat_timer_;
  Timer late_timer_;
  Timer end_timer_;
  std::vector<SlotLease> leases_;
  SlotSet leaving_;                     ///< held, but given up as soon as nothing of them is under way
  SlotSet quiet_;                       ///< of them, those with nothing under way any more
  std::vector<SlotLease> giving_back_;  ///< released, as far as is known
  std::uint16_t owners_ = 1;
  WallTime::duration clock_ahead_{};
  std::size_t told_held_ = 0;  ///< as the log was told
  bool running_ = false;
  bool settled_ = false;
  bool stopped_ = false;
};

}  // namespace tern::proactive
