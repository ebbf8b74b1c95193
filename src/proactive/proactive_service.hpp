#pragma once

#include "proactive/schedule/schedule_runner.hpp"
#include "runtime/runtime.hpp"

#include <tern/turn/proactive.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace tern::proactive {

/// The process's `Proactive`: sends now through the shard's connector, schedules through the storage, and owns what
/// sends the process's share of the schedule.
///
/// Thread safety: as `Proactive`.
class ProactiveService final : public Proactive {
 public:
  ProactiveService(runtime::ShardPool& shards, runtime::Runtime& runtime, bool enabled, SchedulerOptions options,
                   Clock& clock, Metrics& metrics, SendLimits limits = SendLimits());

  /// Takes the slots and starts the schedulers. Nothing when proactive messages are off.
  awaitable<void> start(Deadline by);
  /// Begins no more sends, waits for those under way and their outcomes. False when `by` came first.
  awaitable<bool> drain(Deadline by) { return runner_.drain(by); }
  /// Gives the slots back; after `drain`.
  awaitable<void> release(Deadline by) { return runner_.release(by); }

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
  awaitable<DeadPage> list_dead(DeadQuery query, DeadFilter filter) override;
  awaitable<std::optional<SendHandle>> redrive(SendHandle handle) override;
  awaitable<std::size_t> redrive_all(DeadFilter filter) override;
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

 private:
  void require_enabled() const;
  detail::TurnEnvironment& environment_here() noexcept;
  std::size_t shard_here() const noexcept;
  WallTime after(WallTime::duration delay) const noexcept;
  awaitable<SendHandle> store(ScheduledSend send);
  awaitable<std::optional<SendHandle>> move_to(SendEdit::Kind how, SendHandle handle, WallTime when);
  awaitable<std::optional<ScheduledSend>> tell_of_edit(SendHandle handle);
  awaitable<void> tell_of_redriven(SendHandle handle);
  Deadline storage_deadline() const noexcept;

  runtime::ShardPool& shards_;
  runtime::Runtime& runtime_;
  bool enabled_;
  Clock& clock_;
  Counter known_sends_;
  ScheduleRunner runner_;
};

}  // namespace tern::proactive
