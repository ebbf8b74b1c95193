#pragma once

#include "proactive/broadcast/broadcaster.hpp"
#include "proactive/limits/limiter.hpp"
#include "proactive/patient_replies.hpp"
#include "proactive/schedule/schedule_watch.hpp"
#include "proactive/schedule/scheduler.hpp"
#include "proactive/schedule/slot_keeper.hpp"
#include "runtime/runtime.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace tern::proactive {

/// Sends a process's share of the schedule: it has a scheduler on each shard, and on the first shard the keeper of
/// their slots and the watch over the figures. A slot belongs to the shard of its number, modulo the number of shards.
///
/// Thread safety: all from any thread, but for the constructor and the destructor, when no shard runs.
class ScheduleRunner final : public detail::ScheduleObserver, private SlotWork {
 public:
  ScheduleRunner(runtime::ShardPool& shards, runtime::Runtime& runtime, SchedulerOptions options, Clock& clock,
                 Metrics& metrics, SendLimits limits);
  ~ScheduleRunner() override;
  ScheduleRunner(const ScheduleRunner&) = delete;
  ScheduleRunner& operator=(const ScheduleRunner&) = delete;

  /// Takes the slots and starts the schedulers; once.
  /// Errors: those of the store.
  awaitable<void> start(Deadline by);
  /// Begins no more sends, and waits for the sends under way and their outcomes. False when `by` came first.
  awaitable<bool> drain(Deadline by);
  /// Gives the slots back; after `drain`.
  /// Errors: those of the store.
  awaitable<void> release(Deadline by);

  Broadcaster& broadcaster() noexcept { return *broadcaster_; }

  void on_scheduled(const std::vector<ScheduledSend>& sends, const std::vector<std::uint64_t>& seqs) noexcept override;
  bool awaits_replies() const noexcept override {
    return awaits_replies_.load(std::memory_order_relaxed) || doubts_until_.load(std::memory_order_relaxed) != no_doubt;
  }
  void hint_at_awaited_replies(StoreChanges& changes) const override;
  void on_hinted_at_awaited_replies() noexcept override;
  /// These sends are cancelled in the store: entries that wait in memory are forgotten.
  void on_cancelled(const std::vector<SendHandle>& handles);

 private:
  struct Home;
  static constexpr SteadyTime no_doubt = SteadyTime::min();

  void own(const std::vector<SlotLease>& leases) override;
  awaitable<bool> quiet(SlotSet slots, Deadline by) override;
  awaitable<SlotSet> under_way() override;
  void on_late(std::vector<DueEntry> entries) override;
  void run_keeper();
  void run_watch();
  void hear_of_awaited_replies();
  /// For a while nobody here knows whether replies are awaited, so that the store is asked. From any thread.
  void doubt_awaited_replies() noexcept;
  /// Another process may have stored a send that a reply here cancels. On the keeper's shard.
  void look_again_for_awaited_replies();
  awaitable<void> look_for_awaited_replies(Deadline by);
  void count_slots(const std::vector<SlotLease>& leases);
  Deadline storage_deadline() const noexcept;

  runtime::ShardPool& shards_;
  runtime::Runtime& runtime_;
  Clock& clock_;
  ScheduleFigures figures_;
  Gauge slots_;
  Counter slots_taken_;
  Counter slots_gone_;
  Gauge clock_ahead_;
  SlotSet held_;         ///< as it was counted last; of the keeper's shard
  ScheduleWatch watch_;  ///< likewise
  SoloGate solo_;
  Limiter limiter_;
  PatientReplies replies_;
  std::unique_ptr<Broadcaster> broadcaster_;
  std::vector<std::unique_ptr<Home>> homes_;
  std::unique_ptr<SlotKeeper> keeper_;
  std::atomic<bool> awaits_replies_ = false;
  std::atomic<SteadyTime> told_until_ = SteadyTime::min();  ///< no hint is due before
  std::atomic<SteadyTime> doubts_until_ = no_doubt;         ///< then a count says whether replies are awaited
  bool looking_ = false;  ///< whether a count is under way that says if replies are awaited; of the keeper's shard
  HintSubscription awaited_elsewhere_;  ///< from `start` to `release`, where other processes use the store
};

}  // namespace tern::proactive
