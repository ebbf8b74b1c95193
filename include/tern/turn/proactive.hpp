#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/conversation_parameters.hpp>
#include <tern/storage/schedule_types.hpp>
#include <tern/turn/hooks.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tern {

/// How a scheduled send is to be treated. Setters chain.
class SendOptions {
 public:
  /// A second send with the same key is not stored; the first handle is returned. 1 to 512 bytes.
  SendOptions& key(std::string value) { return key_ = std::move(value), *this; }
  /// Sends with the same order key go out one at a time in the order of their due times. Default: the conversation.
  SendOptions& order_key(std::string value) { return order_key_ = std::move(value), *this; }
  /// Past this time the send is dropped instead of sent late.
  SendOptions& expires(WallTime value) { return expires_ = value, *this; }

  const std::string& key() const noexcept { return key_; }
  const std::string& order_key() const noexcept { return order_key_; }
  std::optional<WallTime> expires() const noexcept { return expires_; }

 private:
  std::string key_;
  std::string order_key_;
  std::optional<WallTime> expires_;
};

enum class CancelOutcome : std::uint8_t {
  cancelled,  ///< it is never sent
  too_late    ///< it is being sent, was sent, or never existed
};

/// Messages outside the turn that asked for them: now, later, or by a handler that runs in a turn of its own.
///
/// `proactive.enabled` switches it on; while it is off every function throws `errc::proactive_disabled`.
/// Thread safety: all functions from any shard; they resume where they were awaited.
/// Errors: those of `ChannelSender` and of the storage; `errc::shutting_down` during a drain.
class Proactive {
 public:
  virtual ~Proactive() = default;

  /// Sends to a conversation, without a turn. Carries no `replyToId`, whatever `reference` holds.
  virtual awaitable<ResourceResponse> send(ConversationReference reference, Activity activity) = 0;

  /// Queues a turn in the conversation: `handler` runs in it, behind the turns that wait there, through the
  /// middleware, with an `event` named `ContinueConversation`. Returns once it is queued, so that turns that
  /// continue each other's conversation cannot wait for each other.
  virtual awaitable<void> continue_conversation(ConversationReference reference, TurnHandler handler) = 0;

  /// As `continue_conversation`, and waits for the turn's end. Not to be awaited from inside a turn (deadlock);
  /// background work may.
  /// Errors: the exception that left `handler`, if the bot's `on_turn_error` rethrew it.
  virtual awaitable<void> continue_and_wait(ConversationReference reference, TurnHandler handler) = 0;

  /// Begins a conversation on `service_url`, and runs `handler` (if any) in its first turn as
  /// `continue_conversation` does. The reference of the new conversation.
  virtual awaitable<ConversationReference> create_conversation(std::string channel_id, std::string service_url,
                                                               ConversationParameters parameters,
                                                               TurnHandler handler = nullptr) = 0;

  /// Sends `activity` at `when`, or at once when that has passed. Durable, as far as the storage is, when this returns.
  virtual awaitable<SendHandle> send_at(ConversationReference reference, WallTime when, Activity activity,
                                        SendOptions options = {}) = 0;
  virtual awaitable<SendHandle> send_after(ConversationReference reference, WallTime::duration delay, Activity activity,
                                           SendOptions options = {}) = 0;

  /// Runs the continuation registered as `name` in a turn of the conversation at `when`, with `value` as the
  /// activity's value. A name, not a closure: a closure does not survive a restart.
  /// Errors: `errc::unknown_continuation` when the bot has none of this name.
  virtual awaitable<SendHandle> continue_at(ConversationReference reference, WallTime when, std::string name,
                                            json::value value = nullptr, SendOptions options = {}) = 0;
  virtual awaitable<SendHandle> continue_after(ConversationReference reference, WallTime::duration delay,
                                               std::string name, json::value value = nullptr,
                                               SendOptions options = {}) = 0;

  virtual awaitable<CancelOutcome> cancel(SendHandle handle) = 0;
  /// The handle that is valid now; nullopt when it was too late.
  virtual awaitable<std::optional<SendHandle>> reschedule(SendHandle handle, WallTime when) = 0;
  /// Pending sends by due time, paged.
  virtual awaitable<SendPage> list(SendQuery query) = 0;
  /// What `SendQuery::order_key` is for the sends of a conversation.
  virtual std::string order_key(const ConversationReference& reference) const = 0;
  virtual awaitable<SendCounts> counts() = 0;

  /// The reference that was captured when the user wrote: of the personal conversation, or the one seen last.
  virtual awaitable<std::optional<ConversationReference>> find_reference(std::string channel_id,
                                                                         std::string user_id) = 0;
  virtual awaitable<std::optional<ConversationReference>> find_reference(std::string channel_id, std::string user_id,
                                                                         std::string conversation_id) = 0;
};

}  // namespace tern
