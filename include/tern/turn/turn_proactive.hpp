#pragma once

#include <tern/turn/proactive.hpp>

namespace tern {

class TurnContext;

/// `Proactive`, seen from inside a turn: what is scheduled here is part of the turn's unit of work. It becomes
/// durable, and may fire, when the turn commits; a turn that fails schedules nothing.
///
/// A send made in a turn without a key is idempotent by the activity (its type, id and timestamp, or without a
/// timestamp its content), its place in the turn and what it promises: a channel that delivers the activity again
/// cannot double it. One of an activity without an id is stored each time. What it promises is the activity or
/// continuation, to whom, how (but for `expires`), and when: by the delay that was given, or by the time. So a turn
/// that may be delivered again says `send_after(3s, ..)` rather than `send_at(now + 3s, ..)`. A turn that promises
/// something else when it is delivered again has both sent, and the log says so; with `SendOptions::key` the first
/// stands.
///
/// Thread safety: used in the turn only.
class TurnProactive {
 public:
  /// To this turn's conversation.
  awaitable<SendHandle> send_after(WallTime::duration delay, Activity activity, SendOptions options = {});
  awaitable<SendHandle> send_at(WallTime when, Activity activity, SendOptions options = {});
  awaitable<SendHandle> continue_after(WallTime::duration delay, std::string name, json::value value = nullptr,
                                       SendOptions options = {});
  awaitable<SendHandle> continue_at(WallTime when, std::string name, json::value value = nullptr,
                                    SendOptions options = {});

  /// To another conversation, by its reference; part of this turn's unit of work all the same.
  awaitable<SendHandle> send_at(ConversationReference reference, WallTime when, Activity activity,
                                SendOptions options = {});
  awaitable<SendHandle> continue_at(ConversationReference reference, WallTime when, std::string name,
                                    json::value value = nullptr, SendOptions options = {});

  /// Sends to another conversation now; not part of the unit of work.
  awaitable<ResourceResponse> send(ConversationReference reference, Activity activity);
  /// Queues a turn in another conversation (or again in this one) and returns.
  awaitable<void> continue_conversation(ConversationReference reference, TurnHandler handler);
  awaitable<ConversationReference> create_conversation(std::string channel_id, std::string service_url,
                                                       ConversationParameters parameters,
                                                       TurnHandler handler = nullptr);
  /// Cancels at once: a send of this turn that is not committed yet is dropped, another is cancelled in the store.
  awaitable<CancelOutcome> cancel(SendHandle handle);
  awaitable<std::optional<SendHandle>> reschedule(SendHandle handle, WallTime when);
  /// The pending sends of this conversation; those of this turn are in it once committed.
  awaitable<SendPage> list(std::size_t limit = 100, std::string after = {});
  /// The whole interface, for what has no shorter form here.
  Proactive& all() const;

 private:
  friend class TurnContext;
  explicit TurnProactive(TurnContext& turn) : turn_(&turn) {}
  /// `rule`: by which the due time was given, as it counts for whether two sends promise the same.
  awaitable<SendHandle> schedule(ConversationReference reference, WallTime when, std::string rule, Activity activity,
                                 SendOptions options);
  awaitable<SendHandle> schedule(ConversationReference reference, WallTime when, std::string rule, std::string name,
                                 json::value value, SendOptions options);
  awaitable<SendHandle> schedule(ScheduledSend send, bool has_key);
  TurnContext* turn_;
};

}  // namespace tern
