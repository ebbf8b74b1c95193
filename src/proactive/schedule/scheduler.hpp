#pragma once

#include "proactive/limits/send_gate.hpp"
#include "proactive/limits/send_policy.hpp"
#include "proactive/schedule/in_flight.hpp"
#include "proactive/schedule/near_window.hpp"
#include "proactive/schedule/run_places.hpp"
#include "proactive/schedule/schedule_figures.hpp"
#include "proactive/schedule/send_attempts.hpp"
#include "proactive/schedule/send_endings.hpp"
#include "proactive/schedule/send_executor.hpp"
#include "proactive/schedule/slot_leases.hpp"
#include "proactive/schedule/solo_gate.hpp"
#include "proactive/schedule/suspects.hpp"
#include "proactive/schedule/window_loader.hpp"

#include <tern/async/timer.hpp>
#include <tern/storage/any_storage.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace tern::proactive {

struct SchedulerOptions {
  SchedulerOptions() = default;
  std::chrono::seconds window{30};       ///< sends that are due within it are held in memory
  std::size_t window_entries = 200'000;  ///< at most, in this scheduler
  std::size_t in_flight = 320;           ///< sends under way at once, but for continuations
  std::size_t continuations = 320;       ///< continuations under way at once: they run the bot's code, for any time
  std::size_t batch = 256;               ///< records fetched, and outcomes written, at once
  std::chrono::milliseconds storage_timeout{5'000};
  std::chrono::milliseconds longest_sleep{1'000};  ///< so that a stepped clock or a suspended machine is noticed
  std::chrono::seconds sweep{60};                  ///< how often a shared store is asked for sends that were missed
  std::chrono::milliseconds late_poll{75};         ///< how often a store is asked for late commits
  std::chrono::seconds watch_interval{15};         ///< how often a store is asked for the figures of the schedule
  SendPolicy policy;
  Limiter* limiter = nullptr;  ///< of the process, outlives the scheduler; null: no limits
  /// How many sends wait in memory for the limiter; as many wait for a place among the continuations, as many to run
  /// alone, and as many refused sends are remembered. More wait in the store.
  std::size_t waiting = 1'024;
  /// The same for a share of the places of hosts and tenants. The number is larger: a new host has few places until it
  /// has answered, and its due sends are read meanwhile, because the next send may be for another host.
  std::size_t waiting_for_share = 20'000;
  std::chrono::milliseconds longest_wait{5'000};     ///< a send that must wait for longer waits in the store
  std::chrono::milliseconds reply_patience{60'000};  ///< how long a reply of a turn waits for its channel's limits
};

/// Sends the due sends of the slots that it owns. It waits and reads; its parts decide. The `WindowLoader` decides
/// which page to load into the `NearWindow`; the window, which send is next; the `SendGate`, the `RunPlaces` and the
/// `Suspects`, whether it may go. The `SendAttempts` try it, and the `SendEndings` record its outcome. One timer
/// stands behind all due sends.
///
/// A due send that must wait (for the limiter, for a share of the places, for a place among the continuations, or to
/// run alone) is put back in the store. A refused send that is to be judged is written there as a retry. All of these
/// can be cancelled and moved. When the turn of such a send has come, its record is read anew.
///
/// Lifetime: `stop` (or the end of the `io_context`) before destruction.
/// Thread safety: everything on its executor, but for `on_committed` and `on_cancelled`.
class Scheduler final : private SendEndings::Listener {
 public:
  /// `solo`: the gate of the process for continuations that run alone.
  Scheduler(executor ex, AnyStorage storage, SendExecutor& sends, Clock& clock, ScheduleFigures& figures,
            SoloGate& solo, SchedulerOptions options = SchedulerOptions());
  ~Scheduler() override;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Owns these slots from now on; called again with renewed leases. Slots that are not in `leases` are dropped.
  void own(const std::vector<SlotLease>& leases);

  /// Runs until `stop`.
  awaitable<void> run();
  /// Begins no more sends. Sends under way go on; `idle` waits for them.
  void stop() noexcept;
  /// Waits until nothing is under way and all outcomes are written, at most until `by`. True when so.
  awaitable<bool> idle(Deadline by) { return endings_.idle(by); }
  /// The same for slots that are not owned any more, or not for long.
  awaitable<bool> quiet(SlotSet slots, Deadline by) { return endings_.quiet(slots, by); }

  /// Slots with a send under way, or with an outcome that is not written.
  SlotSet busy() const noexcept { return endings_.busy(); }

  /// Sends that were committed, by this process or another, go into the window at once. An entry that comes a second
  /// time, through the store's inbox, is recognised. Callable from any thread.
  void on_committed(std::vector<DueEntry> entries);

  /// These sends were cancelled: sends that wait behind them need not wait any more. Callable from any thread.
  void on_cancelled(std::vector<SendHandle> handles);

  std::size_t window_size() const noexcept { return window_.size(); }
  std::size_t in_flight() const noexcept { return flight_.all(); }

 private:
  using Fetched = std::vector<std::optional<FetchedSend>>;
  /// A send that has waited, and has its place.
  struct Let {
    WaitingSend send;
    bool runs_code = false;
    SteadyTime went{};
  };

  awaitable<void> send_as_due();
  SteadyTime::duration time_to_sleep();
  void wake() noexcept;
  bool take_committed(const DueEntry& entry);
  void on_room() override { wake(); }
  void on_next(const DueEntry& next) override { take_committed(next); }
  Deadline storage_deadline() const noexcept { return Deadline::after(options_.storage_timeout, clock_); }

  // What is read: scheduler_reading.cpp
  awaitable<void> load_ahead();
  awaitable<void> load_pages();
  awaitable<void> sweep();
  std::size_t room_to_send() const;
  std::vector<DueEntry> take_due(WallTime now);
  awaitable<void> send_due();
  void begin(const DueEntry& entry, FetchedSend fetched);
  awaitable<Fetched> fetch(std::vector<DueEntry> entries);
  Fetched match(const std::vector<DueEntry>& entries, std::vector<ScheduledSend> sends);

  // What waits: scheduler_waiting.cpp
  bool may_go(ReadySend& ready);
  void wait(const Hold& hold, const ReadySend& ready);
  std::vector<Let> take_waiting();
  awaitable<void> begin_waiting();
  bool goes_on(const Let& let, FetchedSend fetched);
  void withdraw(const Let& let);
  void begin_suspect();
  awaitable<void> attempt_alone(WaitingSend waiting);
  void give_up_waiting(const std::function<bool(const WaitingSend&)>& is_so);
  std::optional<DueEntry> waits_as(const DueEntry& entry) const;

  executor ex_;
  AnyStorage storage_;
  SendExecutor& sends_;
  Clock& clock_;
  ScheduleFigures& figures_;
  ShownShares shown_;
  SchedulerOptions options_;
  Timer timer_;
  Timer load_timer_;
  SlotLeases slots_;
  InFlight flight_;
  NearWindow window_;
  WindowLoader loader_;
  SendGate gate_;
  RunPlaces runs_;
  Suspects suspects_;
  const std::array<WaitingRoom*, 4> rooms_;  ///< of the three above
  SendEndings endings_;
  SendAttempts attempts_;
  bool loader_runs_ = false;
  bool stopped_ = false;
  bool wake_ = false;
};

}  // namespace tern::proactive
