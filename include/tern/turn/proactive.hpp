#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/conversation_parameters.hpp>
#include <tern/storage/schedule_types.hpp>
#include <tern/turn/broadcasts.hpp>
#include <tern/turn/dead_letters.hpp>
#include <tern/turn/hooks.hpp>
#include <tern/turn/pending_send.hpp>
#include <tern/turn/send_options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tern {

/// The result of `Proactive::cancel`.
enum class CancelOutcome : std::uint8_t {
  cancelled,  ///< it is never sent
  /// It is being sent, was sent, or never existed. A send that is due and waits (for the limits of its channel, a
  /// paused bot or a place) is not being sent, and can be cancelled. With several processes on one store, a process
  /// that does not own the slot of the send answers `too_late` also in the last 2 s before the send is due, since the
  /// owner may be about to send it.
  too_late
};

/// Messages outside of a turn: now, later, or by a handler that runs in a turn of its own.
///
/// `proactive.enabled` switches it on; while it is off, every function throws `errc::proactive_disabled`.
/// Thread safety: all functions from any shard; they resume where they were awaited.
/// Errors: those of `ChannelSender` and of the storage; `errc::shutting_down` during a drain.
class Proactive {
 public:
  virtual ~Proactive() = default;

  /// Sends to a conversation, without a turn. The activity has no `replyToId`, even if `reference` has an activity id.
  virtual awaitable<ResourceResponse> send(ConversationReference reference, Activity activity) = 0;

  /// Queues a turn in the conversation, behind the turns that wait there. `handler` runs in it, through the middleware,
  /// with an `event` named `ContinueConversation`. This returns once the turn is queued, so that two turns that
  /// continue each other's conversation cannot wait for each other. Errors: `errc::overloaded` when
  /// `limits.conversation_queue` turns wait in the conversation; `errc::shutting_down`.
  ///   Then `handler` does not run.
  virtual awaitable<void> continue_conversation(ConversationReference reference, TurnHandler handler) = 0;

  /// As `continue_conversation`, and waits for the end of the turn. Call it from background work, and never from inside
  /// a turn (deadlock). Errors: the exception that left `handler`, if the bot's `on_turn_error` rethrew it.
  virtual awaitable<void> continue_and_wait(ConversationReference reference, TurnHandler handler) = 0;

  /// Begins a conversation on `service_url`, and runs `handler`, if there is one, in its first turn as
  /// `continue_conversation` does. Returns the reference of the new conversation.
  /// Errors: also those of `continue_conversation`; the conversation has begun all the same then.
  virtual awaitable<ConversationReference> create_conversation(std::string channel_id, std::string service_url,
                                                               ConversationParameters parameters,
                                                               TurnHandler handler = nullptr) = 0;

  ///@{
  /// Sends `activity` at `when` or after `delay`, or at once when that time has passed. The send is durable, as far as
  /// the storage is, when this returns. With a known key nothing is stored (`SendOptions::key`).
  virtual awaitable<SendHandle> send_at(ConversationReference reference, WallTime when, Activity activity,
                                        SendOptions options = {}) = 0;
  virtual awaitable<SendHandle> send_after(ConversationReference reference, WallTime::duration delay, Activity activity,
                                           SendOptions options = {}) = 0;
  ///@}

  ///@{
  /// Runs the continuation that was registered as `name` in a turn of the conversation, at `when` or after `delay`,
  /// with `value` as the activity's value. It takes a name because a closure would not survive a restart. Errors:
  /// `errc::unknown_continuation` when the bot has no continuation of this name.
  virtual awaitable<SendHandle> continue_at(ConversationReference reference, WallTime when, std::string name,
                                            json::value value = nullptr, SendOptions options = {}) = 0;
  virtual awaitable<SendHandle> continue_after(ConversationReference reference, WallTime::duration delay,
                                               std::string name, json::value value = nullptr,
                                               SendOptions options = {}) = 0;
  ///@}

  /// Cancels a pending send. After `cancelled` it is never sent.
  virtual awaitable<CancelOutcome> cancel(SendHandle handle) = 0;
  /// Moves a pending send to `when`. Returns the handle that is valid from now on; nullopt when it was too late.
  virtual awaitable<std::optional<SendHandle>> reschedule(SendHandle handle, WallTime when) = 0;
  /// Sends a pending send now, whatever it waits for; of a recurring send, this occurrence. Returns the handle that is
  /// valid from now on; nullopt when it was too late.
  virtual awaitable<std::optional<SendHandle>> send_now(SendHandle handle) = 0;
  /// Cancels all pending sends under the order key of the conversation, and returns how many. A send that is being sent
  /// is not cancelled. Neither is a send to the conversation with an `order_key` of its own; `list` finds it under that
  /// key.
  virtual awaitable<std::size_t> cancel_all(ConversationReference reference) = 0;
  /// A page of pending sends, by due time. With `PendingQuery::order_key`, the sends with that key; `order_key` returns
  /// the key of a conversation, which a send has unless it was given one of its own. The steps by which broadcasts go
  /// on are not listed: see `Broadcasts::progress`.
  virtual awaitable<PendingPage> list(PendingQuery query = {}) = 0;
  /// The sends that were given up.
  virtual DeadLetters& dead_letters() noexcept = 0;
  /// Messages to very many conversations.
  virtual Broadcasts& broadcasts() noexcept = 0;

  /// The order key of a conversation, for `PendingQuery::order_key`. A send to it has this key unless it was given
  /// another.
  virtual std::string order_key(const ConversationReference& reference) const = 0;
  /// How many sends there are.
  virtual awaitable<SendCounts> counts() = 0;

  /// The reference that was captured when the user wrote. It is that of the personal conversation that the user wrote
  /// in last; for a user without a personal conversation, that of any other conversation that the user wrote in last.
  /// Messages, edits and invokes count as writing, and so does a conversation that the user has begun; typing,
  /// reactions, deletions and events do not.
  /// nullopt when there is none, or the conversation is gone. With several processes on one store it may be a minute
  /// behind for a user who writes in several conversations at the same time.
  virtual awaitable<std::optional<ConversationReference>> find_reference(std::string channel_id,
                                                                         std::string user_id) = 0;
  /// The same for one conversation of the user.
  virtual awaitable<std::optional<ConversationReference>> find_reference(std::string channel_id, std::string user_id,
                                                                         std::string conversation_id) = 0;
};

}  // namespace tern
