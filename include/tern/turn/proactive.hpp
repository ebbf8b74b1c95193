#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/conversation_parameters.hpp>
#include <tern/storage/schedule_types.hpp>
#include <tern/turn/broadcast.hpp>
#include <tern/turn/hooks.hpp>
#include <tern/turn/recurrence.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tern {

/// What an idempotency key is compared with.
enum class KeyScope : std::uint8_t {
  bot,          ///< all keys of this scope in the bot's store: in two conversations the same key is the same send
  conversation  ///< those of this scope for the conversation that the send goes to
};

/// How a scheduled send is to be treated. Setters chain.
class SendOptions {
 public:
  /// A key for idempotency, 1 to 512 bytes: what has a key that is known is not stored, for seven days after the first
  /// send with that key, whatever else it asks for. What is returned is the handle of the send that the key stands for:
  /// the one that is valid now while it is pending, the first one once it was sent, cancelled or given up. So `cancel`
  /// works on it, or says `too_late` because it is.
  ///
  /// The key stands for one send of the whole bot: a bot that uses `"reminder"` in two conversations gets one reminder.
  /// With `KeyScope::conversation` it stands for one in each conversation. No key meets one of the other scope, nor one
  /// that the framework makes.
  ///
  /// In a turn the key is looked up in the store at once. When another turn takes it before this one has committed,
  /// this one fails with `errc::conflict`, since it may have kept the wrong handle; delivered again it finds the send.
  SendOptions& key(std::string value, KeyScope scope = KeyScope::bot) {
    key_ = std::move(value);
    key_scope_ = scope;
    return *this;
  }
  /// Sends with the same order key go out one at a time in the order of their due times. Default: the conversation.
  SendOptions& order_key(std::string value) { return order_key_ = std::move(value), *this; }
  /// When this send is dead, the later pending ones with its order key that are strict too do not pass it: they are
  /// dead with it, and can be sent again in their order (`list_dead`, `redrive`). Without it the next one passes.
  SendOptions& strict(bool value = true) { return strict_ = value, *this; }
  /// Past this time the send is dropped instead of sent late. One that comes again ends with its last time before.
  SendOptions& expires(WallTime value) { return expires_ = value, *this; }
  /// What may have arrived is given up instead of tried again: dead, with a reason that says so. Without it a send
  /// arrives at least once.
  SendOptions& at_most_once(bool value = true) { return at_most_once_ = value, *this; }
  /// The next message of the user to whom it is addressed cancels it, unless it is being sent by then: the `user` of
  /// the reference, in a group too. Where the reference names none, that of anybody in the conversation.
  SendOptions& cancel_on_reply(bool value = true) { return cancel_on_reply_ = value, *this; }
  /// The zone of quiet hours and recurrences, as `is_time_zone` takes it. Default: UTC. `user_time_zone` says what the
  /// user's is. A zone that the machine does not know when the send is due counts as UTC, and the log says so.
  SendOptions& time_zone(std::string value) { return time_zone_ = std::move(value), *this; }
  /// What is due in these hours waits for their end, also when it is late.
  SendOptions& quiet_hours(QuietHours value) { return quiet_hours_ = value, *this; }
  /// The send comes again: each next time is set with the outcome of the last, under the same handle, until it is
  /// cancelled, the next lies past `expires`, or it is dead for good since the conversation is gone. One that is dead
  /// for another reason is counted and not kept, and the next comes all the same. Times that were missed are not made
  /// up for.
  SendOptions& every(Recurrence value) { return every_ = value, *this; }

  // What was set. The names differ from those of the setters, so that nobody sets what he meant to read.

  /// "" for none.
  const std::string& given_key() const noexcept { return key_; }
  KeyScope given_key_scope() const noexcept { return key_scope_; }
  /// "" for the conversation's.
  const std::string& given_order_key() const noexcept { return order_key_; }
  std::optional<WallTime> expiry() const noexcept { return expires_; }
  bool is_strict() const noexcept { return strict_; }
  bool is_at_most_once() const noexcept { return at_most_once_; }
  bool is_cancelled_on_reply() const noexcept { return cancel_on_reply_; }
  const std::string& zone() const noexcept { return time_zone_; }
  const std::optional<QuietHours>& quiet() const noexcept { return quiet_hours_; }
  const std::optional<Recurrence>& recurrence() const noexcept { return every_; }

 private:
  std::string key_;
  std::string order_key_;
  std::optional<WallTime> expires_;
  KeyScope key_scope_ = KeyScope::bot;
  bool strict_ = false;
  bool at_most_once_ = false;
  bool cancel_on_reply_ = false;
  std::string time_zone_ = "UTC";
  std::optional<QuietHours> quiet_hours_;
  std::optional<Recurrence> every_;
};

enum class CancelOutcome : std::uint8_t {
  cancelled,  ///< it is never sent
  /// It is being sent, was sent, or never existed. One that is due and waits, for the limits of its channel, a paused
  /// bot or a place, is not being sent. With several processes on one store, a process that does not own the send's
  /// slot answers this also for one that is due within 2 s, since its owner may be about to send it.
  too_late
};

/// Which of the sends that were given up. Absent members leave nothing out.
struct DeadFilter {
  /// What the reason begins with, such as `conversation_gone`; docs/proactive-http.md lists them. "": any.
  std::string reason;
  std::optional<WallTime> since;         ///< given up then or later
  std::optional<WallTime> until;         ///< given up then or earlier
  std::optional<std::string> order_key;  ///< sends of one conversation

  bool takes(const DeadSend& dead) const;
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
  /// Errors: `errc::overloaded` when as many wait in the conversation as `limits.conversation_queue` allows;
  /// `errc::shutting_down`. Then `handler` does not run.
  virtual awaitable<void> continue_conversation(ConversationReference reference, TurnHandler handler) = 0;

  /// As `continue_conversation`, and waits for the turn's end. Not to be awaited from inside a turn (deadlock);
  /// background work may.
  /// Errors: the exception that left `handler`, if the bot's `on_turn_error` rethrew it.
  virtual awaitable<void> continue_and_wait(ConversationReference reference, TurnHandler handler) = 0;

  /// Begins a conversation on `service_url`, and runs `handler` (if any) in its first turn as
  /// `continue_conversation` does. The reference of the new conversation.
  /// Errors: also those of `continue_conversation`; the conversation has begun then all the same.
  virtual awaitable<ConversationReference> create_conversation(std::string channel_id, std::string service_url,
                                                               ConversationParameters parameters,
                                                               TurnHandler handler = nullptr) = 0;

  /// Sends `activity` at `when`, or at once when that has passed. Durable, as far as the storage is, when this returns.
  /// With a key that is known nothing is stored (`SendOptions::key`).
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
  /// Sends it now, whatever it waits for; of a recurring one this occurrence. The handle that is valid now; nullopt
  /// when it was too late.
  virtual awaitable<std::optional<SendHandle>> send_now(SendHandle handle) = 0;
  /// Cancels all that is pending under the conversation's order key; how many. Not among them: what is being sent, and
  /// sends to the conversation that were given an `order_key` of their own, which `list` finds under that key.
  virtual awaitable<std::size_t> cancel_all(ConversationReference reference) = 0;
  /// Sends that were given up, those that died first first, paged.
  virtual awaitable<DeadPage> list_dead(DeadQuery query) = 0;
  /// The same of those that `filter` takes. Their conversation is given in either.
  virtual awaitable<DeadPage> list_dead(DeadQuery query, DeadFilter filter) = 0;
  /// Sends a dead one again, now. The handle that is valid now; nullopt when it is not kept any more. Where its
  /// conversation was marked as gone it is not any more.
  virtual awaitable<std::optional<SendHandle>> redrive(SendHandle handle) = 0;
  /// The same with all that `filter` takes and that had been given up when this was called; how many. Those that an
  /// outage has buried are found by reason and time. Interrupted, it has done some of them: call it again.
  virtual awaitable<std::size_t> redrive_all(DeadFilter filter) = 0;
  /// Forgets a dead one; false when it is not kept any more.
  virtual awaitable<bool> discard(SendHandle handle) = 0;
  /// Pending sends by due time, paged. With `SendQuery::order_key`, those that have that key: of a conversation
  /// (`order_key`), those that were not given one of their own. The steps of broadcasts are among the others; cancelled
  /// here, one leaves a broadcast that runs and takes nobody more, until `resume_broadcast`.
  virtual awaitable<SendPage> list(SendQuery query) = 0;
  /// Begins to send `activity` to all of `recipients`, at a rate; the id of the broadcast. It is durable when this
  /// returns: it goes on after a restart, or on another replica. A conversation gets one send, however many users have
  /// written in it, and however often a list names it. Interrupted, it leaves a list that is removed an hour later.
  /// Errors: `errc::invalid_argument`; `errc::conflict` when the list took longer than that hour to write.
  virtual awaitable<std::string> broadcast(Recipients recipients, Activity activity, BroadcastOptions options = {}) = 0;
  /// How far it is; nullopt when there is none of this id. Reads the outcomes of all recipients so far.
  virtual awaitable<std::optional<BroadcastProgress>> broadcast_progress(std::string id) = 0;
  /// What became of each conversation whose outcome is known, paged; a page may have fewer than `limit`, 1 to 1,000.
  virtual awaitable<RecipientOutcomes> broadcast_outcomes(std::string id, std::string after = {},
                                                          std::size_t limit = 100) = 0;
  /// No more recipients are taken; what was taken, two seconds' worth, is still sent. False when there is none of this
  /// id, or it is done or cancelled. So are `resume_broadcast` and `cancel_broadcast`. To resume one that runs sees to
  /// it that it does.
  virtual awaitable<bool> pause_broadcast(std::string id) = 0;
  virtual awaitable<bool> resume_broadcast(std::string id) = 0;
  virtual awaitable<bool> cancel_broadcast(std::string id) = 0;
  /// Removes all that is stored of a broadcast that is done or cancelled, its progress and outcomes; its id is free
  /// then. It is kept until this is called. False when there is none of this id, or it is neither, or a send of it is
  /// pending. Takes a while for many recipients; interrupted, call it again.
  virtual awaitable<bool> forget_broadcast(std::string id) = 0;

  /// What `SendQuery::order_key` is for the sends of a conversation that were given none of their own.
  virtual std::string order_key(const ConversationReference& reference) const = 0;
  virtual awaitable<SendCounts> counts() = 0;

  /// The reference that was captured when the user wrote: of the personal conversation that the user wrote in last, or,
  /// of a user without one, of the conversation of any other kind. With several processes on one store it may be a
  /// minute behind for a user who writes in several conversations at the same time.
  virtual awaitable<std::optional<ConversationReference>> find_reference(std::string channel_id,
                                                                         std::string user_id) = 0;
  virtual awaitable<std::optional<ConversationReference>> find_reference(std::string channel_id, std::string user_id,
                                                                         std::string conversation_id) = 0;
};

}  // namespace tern
