#pragma once

#include <tern/turn/proactive.hpp>

namespace tern {

class TurnContext;

/// `Proactive`, seen from inside a turn. A send that is scheduled here is part of the turn's unit of work: it becomes
/// durable, and may fire, when the turn commits. A turn that fails schedules nothing.
///
/// A channel may deliver an activity again. A send without a key that was made in its turn is not doubled then: it is
/// the same send when the activity is the same (type, id and timestamp; without a timestamp, the content), and its
/// place in the turn and its promise are the same. The promise is the activity or continuation, the recipient, the
/// options (but for `expires`) and the delay or the time that was given. So write `send_after(3s, ..)` rather than
/// `send_at(now + 3s, ..)`. A turn that promises something else when its activity is delivered again has both sends
/// sent, and the log says so; with `SendOptions::key` only the first is sent. The sends of an activity without an id
/// are stored each time.
///
/// Thread safety: used in the turn only.
class TurnProactive {
 public:
  ///@{
  /// Schedules a send, or a continuation, in this turn's conversation; see `Proactive`.
  awaitable<SendHandle> send_after(WallTime::duration delay, Activity activity, SendOptions options = {});
  awaitable<SendHandle> send_at(WallTime when, Activity activity, SendOptions options = {});
  awaitable<SendHandle> continue_after(WallTime::duration delay, std::string name, json::value value = nullptr,
                                       SendOptions options = {});
  awaitable<SendHandle> continue_at(WallTime when, std::string name, json::value value = nullptr,
                                    SendOptions options = {});
  ///@}

  ///@{
  /// The same in another conversation; it is part of this turn's unit of work as well.
  awaitable<SendHandle> send_at(ConversationReference reference, WallTime when, Activity activity,
                                SendOptions options = {});
  awaitable<SendHandle> continue_at(ConversationReference reference, WallTime when, std::string name,
                                    json::value value = nullptr, SendOptions options = {});
  ///@}

  /// Sends to another conversation now; not part of the unit of work.
  awaitable<ResourceResponse> send(ConversationReference reference, Activity activity);
  /// Queues a turn in another conversation (or again in this one) and returns.
  awaitable<void> continue_conversation(ConversationReference reference, TurnHandler handler);
  /// Begins a conversation now; see `Proactive::create_conversation`.
  awaitable<ConversationReference> create_conversation(std::string channel_id, std::string service_url,
                                                       ConversationParameters parameters,
                                                       TurnHandler handler = nullptr);
  /// Cancels at once. A send of this turn that is not committed yet is dropped; any other send is cancelled in the
  /// store.
  awaitable<CancelOutcome> cancel(SendHandle handle);
  /// Moves a send at once; see `Proactive::reschedule`.
  awaitable<std::optional<SendHandle>> reschedule(SendHandle handle, WallTime when);
  /// The pending sends of this conversation, by due time. Sends of this turn are among them once they are committed.
  awaitable<PendingPage> list(std::size_t limit = 100, std::string after = {});
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
