#pragma once

#include "proactive/broadcast/own_broadcasts.hpp"
#include "proactive/own_dead_letters.hpp"
#include "proactive/schedule/schedule_runner.hpp"
#include "proactive/send_edits.hpp"
#include "runtime/runtime.hpp"

#include <tern/turn/proactive.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace tern::proactive {

/// The `Proactive` of the process: it sends through the shard's connector, schedules through the storage, and owns the
/// schedulers that send the process's share of the schedule.
///
/// Thread safety: as `Proactive`.
class ProactiveService final : public Proactive {
 public:
  ProactiveService(runtime::ShardPool& shards, runtime::Runtime& runtime, bool enabled, SchedulerOptions options,
                   Clock& clock, Metrics& metrics, SendLimits limits = SendLimits());

  /// Takes the slots and starts the schedulers. It does nothing when proactive messages are off.
  awaitable<void> start(Deadline by);
  /// Begins no more sends, and waits for the sends under way and their outcomes. False when `by` came first.
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
  awaitable<PendingPage> list(PendingQuery query) override;
  /// As `list`, and with the steps of broadcasts.
  awaitable<PendingPage> list_all(PendingQuery query);
  DeadLetters& dead_letters() noexcept override { return dead_letters_; }
  Broadcasts& broadcasts() noexcept override { return broadcasts_; }
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

  runtime::ShardPool& shards_;
  runtime::Runtime& runtime_;
  bool enabled_;
  Clock& clock_;
  Counter known_sends_;
  ScheduleRunner runner_;
  SendEdits edits_;
  OwnDeadLetters dead_letters_;
  OwnBroadcasts broadcasts_;
};

}  // namespace tern::proactive
