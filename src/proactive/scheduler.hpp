#pragma once

#include "proactive/near_window.hpp"
#include "proactive/send_policy.hpp"

#include <tern/async/metrics.hpp>
#include <tern/async/timer.hpp>
#include <tern/storage/any_storage.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace tern::proactive {

/// Does one scheduled send: posts the activity, or runs the continuation to its end. Throws when it failed.
class SendExecutor {
 public:
  virtual ~SendExecutor() = default;
  virtual awaitable<void> execute(ScheduledSend send) = 0;
};

struct SchedulerOptions {
  SchedulerOptions() = default;
  std::chrono::seconds window{30};       ///< what is due within it is held in memory
  std::size_t window_entries = 200'000;  ///< at most, in this scheduler
  std::size_t in_flight = 256;           ///< sends under way at once
  std::size_t batch = 256;               ///< records fetched, and outcomes written, at once
  std::chrono::milliseconds storage_timeout{5'000};
  std::chrono::milliseconds longest_sleep{1'000};  ///< so that a stepped clock or a suspended machine is noticed
  SendPolicy policy;
};

/// The figures of all schedulers of a process.
struct ScheduleFigures {
  explicit ScheduleFigures(Metrics& metrics);
  Counter sent, retried, dead, expired, possible_duplicates, refused;
  Histogram lateness;
};

/// Sends what is due in the slots that it owns: one timer over a heap of small entries, payloads read when they are
/// due, outcomes written in batches.
///
/// Lifetime: `stop` (or the end of the `io_context`) before destruction.
/// Thread safety: everything on its executor, but for `on_committed`.
class Scheduler {
 public:
  Scheduler(executor ex, AnyStorage storage, SendExecutor& sends, Clock& clock, ScheduleFigures& figures,
            SchedulerOptions options = SchedulerOptions());
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Owns these slots from now on; called again with renewed leases. Slots that are not in `leases` are dropped.
  void own(const std::vector<SlotLease>& leases);

  /// Runs until `stop`.
  awaitable<void> run();
  /// Begins nothing more. What is under way goes on; `idle` waits for it.
  void stop() noexcept;
  /// Waits until nothing is under way and all outcomes are written, at most until `by`. True when so.
  awaitable<bool> idle(Deadline by);

  /// Sends that were committed by this process go into the window at once. Callable from any thread.
  void on_committed(std::vector<DueEntry> entries);

  std::size_t window_size() const noexcept { return window_.size(); }
  std::size_t in_flight() const noexcept { return in_flight_; }

 private:
  struct Owned {
    SlotLease lease;
    bool held = false;
  };

  struct Unrecorded {
    SendOutcome outcome;
    std::optional<DueEntry> again;  // for a retry: goes back into the window once the store knows of it
  };

  SteadyTime::duration time_to_sleep() const noexcept;
  bool window_is_short() const noexcept;
  awaitable<void> load_window();
  awaitable<void> load_slot(std::uint16_t slot, WallTime until);
  awaitable<void> send_due();
  void begin(const DueEntry& entry, ScheduledSend send);
  awaitable<void> attempt(DueEntry entry, ScheduledSend send);
  void settle(const DueEntry& entry, const ScheduledSend& send, const std::exception_ptr& error);
  void settle_failure(const DueEntry& entry, const ScheduledSend& send, const std::exception_ptr& error);
  void ended(std::uint64_t order_hash) noexcept;
  void record(SendOutcome outcome, std::optional<DueEntry> again = std::nullopt);
  void recorded(std::size_t count, const std::vector<std::size_t>& refused);
  awaitable<void> write_outcomes();
  void flush();
  bool lease_is_good(std::uint16_t slot) const noexcept;

  executor ex_;
  AnyStorage storage_;
  SendExecutor& sends_;
  Clock& clock_;
  ScheduleFigures& figures_;
  SchedulerOptions options_;
  Timer timer_;
  Timer idle_timer_;
  NearWindow window_;
  std::array<Owned, slot_count> owned_{};
  std::optional<WallTime> loaded_until_;
  std::vector<Unrecorded> outcomes_;
  std::size_t in_flight_ = 0;
  bool writing_ = false;
  bool stopped_ = false;
  bool wake_ = false;
  std::minstd_rand random_;
};

/// The entry that the window keeps for a send.
DueEntry entry_of(const ScheduledSend& send, std::uint64_t seq);

}  // namespace tern::proactive
