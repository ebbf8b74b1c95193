#pragma once

#include "proactive/broadcaster.hpp"
#include "proactive/schedule_watch.hpp"
#include "proactive/scheduler.hpp"
#include "proactive/slot_keeper.hpp"
#include "runtime/runtime.hpp"

#include <tern/turn/proactive.hpp>

#include <atomic>
#include <memory>
#include <vector>

namespace tern::proactive {

/// The process's `Proactive`: sends now through the shard's connector, schedules through the storage, and owns a
/// scheduler on each shard and the keeper of their slots on the first.
///
/// Thread safety: as `Proactive`.
class ProactiveService final : public Proactive, public detail::ScheduleObserver, private SlotWork {
 public:
  ProactiveService(runtime::ShardPool& shards, runtime::Runtime& runtime, bool enabled, SchedulerOptions options,
                   Clock& clock, Metrics& metrics, SendLimits limits = SendLimits());
  ~ProactiveService() override;

  /// Takes the slots and starts the schedulers. Nothing when proactive messages are off.
  awaitable<void> start(Deadline by);
  /// Begins no more sends, waits for those under way and their outcomes. False when `by` came first.
  awaitable<bool> drain(Deadline by);
  /// Gives the slots back; after `drain`.
  awaitable<void> release(Deadline by);

  awaitable<ResourceResponse> send(ConversationReference reference, Activity activity) override;
  awaitable<void> continue_conversation(ConversationReference reference, TurnHandler handler) override;
  awaitable<void> continue_and_wait(ConversationReference reference, TurnHandler handler) override;
  awaitable<ConversationReference> create_conversation(std::string channel_id, std::string service_url,
                                                       ConversationParameters parameters, TurnHandler handler) override;
  awaitable<SendHandle> send_at(ConversationReference reference, WallTime when, Activity activity,
                                SendOptions options) override;
  awaitable<SendHandle> send_after(ConversationReference reference, WallTime::duration delay, Activity activity,
                                   SendOptions options) override;
  awaitable<SendHandle> continue_at(ConversationReference reference, WallTime when, std::string name, json::value value,
                                    SendOptions options) override;
  awaitable<SendHandle> continue_after(ConversationReference reference, WallTime::duration delay, std::string name,
                                       json::value value, SendOptions options) override;
  awaitable<CancelOutcome> cancel(SendHandle handle) override;
  awaitable<std::optional<SendHandle>> reschedule(SendHandle handle, WallTime when) override;
  awaitable<std::optional<SendHandle>> send_now(SendHandle handle) override;
  awaitable<std::size_t> cancel_all(ConversationReference reference) override;
  awaitable<DeadPage> list_dead(DeadQuery query) override;
  awaitable<std::optional<SendHandle>> redrive(SendHandle handle) override;
  awaitable<bool> discard(SendHandle handle) override;
  awaitable<SendPage> list(SendQuery query) override;
  awaitable<std::string> broadcast(Recipients recipients, Activity activity, BroadcastOptions options) override;
  awaitable<std::optional<BroadcastProgress>> broadcast_progress(std::string id) override;
  awaitable<RecipientOutcomes> broadcast_outcomes(std::string id, std::string after, std::size_t limit) override;
  awaitable<bool> pause_broadcast(std::string id) override;
  awaitable<bool> resume_broadcast(std::string id) override;
  awaitable<bool> cancel_broadcast(std::string id) override;
  awaitable<bool> forget_broadcast(std::string id) override;
  std::string order_key(const ConversationReference& reference) const override;
  awaitable<SendCounts> counts() override;
  awaitable<std::optional<ConversationReference>> find_reference(std::string channel_id, std::string user_id) override;
  awaitable<std::optional<ConversationReference>> find_reference(std::string channel_id, std::string user_id,
                                                                 std::string conversation_id) override;

  void on_scheduled(const std::vector<ScheduledSend>& sends, const std::vector<std::uint64_t>& seqs) noexcept override;
  bool awaits_replies() const noexcept override { return awaits_replies_.load(std::memory_order_relaxed); }

 private:
  class Executor;
  struct Home;

  void own(const std::vector<SlotLease>& leases) override;
  awaitable<bool> quiet(SlotSet slots, Deadline by) override;
  awaitable<SlotSet> under_way() override;
  void on_late(std::vector<DueEntry> entries) override;
  void on_cancelled(const std::vector<SendHandle>& handles);
  void run_keeper();
  awaitable<void> look_for_awaited_replies(Deadline by);
  void count_slots(const std::vector<SlotLease>& leases);

  void require_enabled() const;
  detail::TurnEnvironment& environment_here() noexcept;
  std::size_t shard_here() const noexcept;
  WallTime after(WallTime::duration delay) const noexcept;
  awaitable<SendHandle> store(ScheduledSend send);
  awaitable<std::optional<SendHandle>> move_to(SendEdit::Kind how, SendHandle handle, WallTime when);
  awaitable<void> tell_of_edit(SendHandle handle);
  Deadline storage_deadline() const noexcept;

  runtime::ShardPool& shards_;
  runtime::Runtime& runtime_;
  bool enabled_;
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
  std::unique_ptr<Broadcaster> broadcaster_;
  std::vector<std::unique_ptr<Home>> homes_;
  std::unique_ptr<SlotKeeper> keeper_;
  std::atomic<bool> awaits_replies_ = false;
  bool looking_ = false;  ///< whether a count is under way that says if replies are awaited; of the keeper's shard
};

}  // namespace tern::proactive
