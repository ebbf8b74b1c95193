#pragma once

#include <tern/turn/bot.hpp>

#include <optional>
#include <vector>

namespace tern {

/// A bot with a method for each type of activity. Override what you answer; the rest does nothing.
/// Source: Activity Protocol, one section for each type; SDK `ActivityHandler`.
class ActivityHandler : public Bot {
 public:
  /// Calls the method for the activity's type.
  awaitable<void> on_turn(TurnContext& turn) override;

 protected:
  virtual awaitable<void> on_message(TurnContext& turn);
  virtual awaitable<void> on_message_update(TurnContext& turn);
  virtual awaitable<void> on_message_delete(TurnContext& turn);

  /// Calls `on_members_added`, `on_members_removed`, or neither.
  virtual awaitable<void> on_conversation_update(TurnContext& turn);
  /// `members` without the bot itself; not called when nobody else was added.
  virtual awaitable<void> on_members_added(std::vector<ChannelAccount> members, TurnContext& turn);
  virtual awaitable<void> on_members_removed(std::vector<ChannelAccount> members, TurnContext& turn);

  /// Calls `on_reactions_added`, then `on_reactions_removed`.
  virtual awaitable<void> on_message_reaction(TurnContext& turn);
  virtual awaitable<void> on_reactions_added(std::vector<MessageReaction> reactions, TurnContext& turn);
  virtual awaitable<void> on_reactions_removed(std::vector<MessageReaction> reactions, TurnContext& turn);

  /// Calls `on_token_response` for the event `tokens/response`, `on_other_event` for the rest.
  virtual awaitable<void> on_event(TurnContext& turn);
  virtual awaitable<void> on_token_response(TurnContext& turn);
  virtual awaitable<void> on_other_event(TurnContext& turn);

  /// Answers an invoke; nothing: 501. Calls the method for the invoke's name, `on_other_invoke` for the rest.
  virtual awaitable<std::optional<InvokeResponse>> on_invoke(TurnContext& turn);
  /// `adaptiveCard/action`. `action` is the value's `action`: type, verb, data.
  /// Errors: a value without an `action` object that has a `type` goes to `on_turn_error` (`errc::invalid_argument`).
  virtual awaitable<std::optional<InvokeResponse>> on_adaptive_card_action(TurnContext& turn, json::object action);
  /// `signin/verifyState` and `signin/tokenExchange`.
  virtual awaitable<std::optional<InvokeResponse>> on_sign_in(TurnContext& turn);
  /// `application/search`.
  virtual awaitable<std::optional<InvokeResponse>> on_search(TurnContext& turn);
  virtual awaitable<std::optional<InvokeResponse>> on_other_invoke(TurnContext& turn);

  /// Calls `on_installed` (action `add`, `add-upgrade`) or `on_uninstalled` (`remove`, `remove-upgrade`).
  virtual awaitable<void> on_installation_update(TurnContext& turn);
  virtual awaitable<void> on_installed(TurnContext& turn);
  virtual awaitable<void> on_uninstalled(TurnContext& turn);

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
  /// A type that the protocol does not know.
  virtual awaitable<void> on_unrecognized(TurnContext& turn);
};

}  // namespace tern
