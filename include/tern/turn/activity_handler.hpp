#pragma once

#include <tern/turn/bot.hpp>

#include <optional>
#include <vector>

namespace tern {

/// A bot with a method for each type of activity. Override the methods for the types that the bot answers; the others
/// do nothing.
/// Source: Activity Protocol, one section for each type.
class ActivityHandler : public Bot {
 public:
  /// Calls the method for the activity's type.
  awaitable<void> on_turn(TurnContext& turn) override;

 protected:
  /// A `message`.
  virtual awaitable<void> on_message(TurnContext& turn);
  /// A `messageUpdate`: the user has edited a message.
  virtual awaitable<void> on_message_update(TurnContext& turn);
  /// A `messageDelete`: the user has deleted a message.
  virtual awaitable<void> on_message_delete(TurnContext& turn);

  /// A `conversationUpdate`. Calls `on_members_added`, `on_members_removed`, or neither.
  virtual awaitable<void> on_conversation_update(TurnContext& turn);
  /// `members` without the bot itself; not called when nobody else was added.
  virtual awaitable<void> on_members_added(std::vector<ChannelAccount> members, TurnContext& turn);
  /// The same for members who have left.
  virtual awaitable<void> on_members_removed(std::vector<ChannelAccount> members, TurnContext& turn);

  /// A `messageReaction`. Calls `on_reactions_added`, then `on_reactions_removed`.
  virtual awaitable<void> on_message_reaction(TurnContext& turn);
  ///@{
  /// Reactions to the message whose id is `Activity::reply_to_id`; not called for an empty list.
  virtual awaitable<void> on_reactions_added(std::vector<MessageReaction> reactions, TurnContext& turn);
  virtual awaitable<void> on_reactions_removed(std::vector<MessageReaction> reactions, TurnContext& turn);
  ///@}

  /// An `event`. Calls `on_token_response` for the event `tokens/response`, and `on_other_event` for all others.
  virtual awaitable<void> on_event(TurnContext& turn);
  /// The event `tokens/response`: a sign-in has given a token.
  virtual awaitable<void> on_token_response(TurnContext& turn);
  /// Any other event; see `Activity::name`.
  virtual awaitable<void> on_other_event(TurnContext& turn);

  /// Answers an `invoke`; without an answer the channel gets 501. Calls the method for the invoke's name, and
  /// `on_other_invoke` for all others.
  virtual awaitable<std::optional<InvokeResponse>> on_invoke(TurnContext& turn);
  /// The invoke `adaptiveCard/action`. `action` is the value's `action`: type, verb, data. An invoke whose value has no
  /// `action` object with a `type` is answered 400, and this is not called.
  virtual awaitable<std::optional<InvokeResponse>> on_adaptive_card_action(TurnContext& turn, json::object action);
  /// The invokes `signin/verifyState` and `signin/tokenExchange`.
  virtual awaitable<std::optional<InvokeResponse>> on_sign_in(TurnContext& turn);
  /// The invoke `application/search`.
  virtual awaitable<std::optional<InvokeResponse>> on_search(TurnContext& turn);
  /// Any other invoke; see `Activity::name`.
  virtual awaitable<std::optional<InvokeResponse>> on_other_invoke(TurnContext& turn);

  /// An `installationUpdate`. Calls `on_installed` (action `add`, `add-upgrade`) or `on_uninstalled` (`remove`,
  /// `remove-upgrade`).
  virtual awaitable<void> on_installation_update(TurnContext& turn);
  ///@{
  /// The bot was installed, or removed.
  virtual awaitable<void> on_installed(TurnContext& turn);
  virtual awaitable<void> on_uninstalled(TurnContext& turn);
  ///@}

  ///@{
  /// An activity of the type that the method is named after; see `activity_types`.
  virtual awaitable<void> on_typing(TurnContext& turn);
  virtual awaitable<void> on_end_of_conversation(TurnContext& turn);
  virtual awaitable<void> on_contact_relation_update(TurnContext& turn);
  virtual awaitable<void> on_delete_user_data(TurnContext& turn);
  virtual awaitable<void> on_handoff(TurnContext& turn);
  virtual awaitable<void> on_command(TurnContext& turn);
  virtual awaitable<void> on_command_result(TurnContext& turn);
  virtual awaitable<void> on_suggestion(TurnContext& turn);
  virtual awaitable<void> on_trace(TurnContext& turn);
  virtual awaitable<void> on_invoke_response(TurnContext& turn);
  ///@}
  /// An activity of a type that the protocol does not know.
  virtual awaitable<void> on_unrecognized(TurnContext& turn);
};

}  // namespace tern
