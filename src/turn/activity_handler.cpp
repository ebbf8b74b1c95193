#include <tern/turn/activity_handler.hpp>

#include <tern/schema/activity_types.hpp>

#include <array>
#include <utility>

namespace tern {

namespace {

// The default of methods without an answer. They share this coroutine.
awaitable<void> nothing() {
  co_return;
}
awaitable<std::optional<InvokeResponse>> no_answer() {
  co_return std::nullopt;
}

std::vector<ChannelAccount> without(std::vector<ChannelAccount> members, std::optional<std::string_view> bot_id) {
  std::erase_if(members, [&](const ChannelAccount& member) { return bot_id && member.id() == bot_id; });
  return members;
}

// nullptr when the value has no such object with a `type`.
const json::object* adaptive_card_action(const Activity& activity) noexcept {
  const json::value* value = activity.value();
  const json::object* holder = value != nullptr ? value->if_object() : nullptr;
  const json::value* found = holder != nullptr ? holder->if_contains("action") : nullptr;
  const json::object* action = found != nullptr ? found->if_object() : nullptr;
  const json::value* type = action != nullptr ? action->if_contains("type") : nullptr;
  return type != nullptr && type->is_string() ? action : nullptr;
}

// What clients of this invoke read. Source: Bot Framework SDK for .NET,
// `ActivityHandler.CreateAdaptiveCardInvokeErrorResponse`.
awaitable<std::optional<InvokeResponse>> no_card_action() {
  constexpr int bad_request = 400;
  constexpr const char* message = "The invoke's value has no `action` object with a string `type`.";
  json::object error{{"code", "BadRequest"}, {"message", message}};
  json::object body{
      {"statusCode", bad_request}, {"type", "application/vnd.microsoft.error"}, {"value", std::move(error)}};
  co_return InvokeResponse(bad_request, std::move(body));
}

}  // namespace

// Long: half of it is the table of routes.
awaitable<void> ActivityHandler::on_turn(TurnContext& turn) {
  using Method = awaitable<void> (ActivityHandler::*)(TurnContext&);
  struct Route {
    std::string_view type;
    Method method;
  };
  static constexpr auto answer_invoke = [](ActivityHandler* self, TurnContext& context) -> awaitable<void> {
    auto response = co_await self->on_invoke(context);
    if (response && !context.invoke_response()) {
      context.set_invoke_response(std::move(*response));
    }
  };
  static constexpr std::array routes{
      Route{activity_types::message, &ActivityHandler::on_message},
      Route{activity_types::conversation_update, &ActivityHandler::on_conversation_update},
      Route{activity_types::event, &ActivityHandler::on_event},
      Route{activity_types::typing, &ActivityHandler::on_typing},
      Route{activity_types::message_reaction, &ActivityHandler::on_message_reaction},
      Route{activity_types::message_update, &ActivityHandler::on_message_update},
      Route{activity_types::message_delete, &ActivityHandler::on_message_delete},
      Route{activity_types::installation_update, &ActivityHandler::on_installation_update},
      Route{activity_types::end_of_conversation, &ActivityHandler::on_end_of_conversation},
      Route{activity_types::contact_relation_update, &ActivityHandler::on_contact_relation_update},
      Route{activity_types::delete_user_data, &ActivityHandler::on_delete_user_data},
      Route{activity_types::handoff, &ActivityHandler::on_handoff},
      Route{activity_types::command, &ActivityHandler::on_command},
      Route{activity_types::command_result, &ActivityHandler::on_command_result},
      Route{activity_types::suggestion, &ActivityHandler::on_suggestion},
      Route{activity_types::trace, &ActivityHandler::on_trace},
      Route{activity_types::invoke_response, &ActivityHandler::on_invoke_response},
  };
  const auto type = turn.activity().type();
  if (type == activity_types::invoke) {
    return answer_invoke(this, turn);
  }
  for (const auto& route : routes) {
    if (route.type == type) {
      return (this->*route.method)(turn);
    }
  }
  return on_unrecognized(turn);
}

awaitable<void> ActivityHandler::on_conversation_update(TurnContext& turn) {
  const auto bot_id = turn.activity().recipient_id();
  auto added = without(turn.activity().members_added(), bot_id);
  if (!added.empty()) {
    return on_members_added(std::move(added), turn);
  }
  auto removed = without(turn.activity().members_removed(), bot_id);
  if (!removed.empty()) {
    return on_members_removed(std::move(removed), turn);
  }
  return nothing();
}

awaitable<void> ActivityHandler::on_message_reaction(TurnContext& turn) {
  auto added = turn.activity().reactions_added();
  if (!added.empty()) {
    co_await on_reactions_added(std::move(added), turn);
  }
  auto removed = turn.activity().reactions_removed();
  if (!removed.empty()) {
    co_await on_reactions_removed(std::move(removed), turn);
  }
}

awaitable<void> ActivityHandler::on_event(TurnContext& turn) {
  return turn.activity().name() == "tokens/response" ? on_token_response(turn) : on_other_event(turn);
}

awaitable<std::optional<InvokeResponse>> ActivityHandler::on_invoke(TurnContext& turn) {
  const auto name = turn.activity().name().value_or("");
  if (name == "adaptiveCard/action") {
    const auto* action = adaptive_card_action(turn.activity());
    return action != nullptr ? on_adaptive_card_action(turn, *action) : no_card_action();
  }
  if (name == "signin/verifyState" || name == "signin/tokenExchange") {
    return on_sign_in(turn);
  }
  if (name == "application/search") {
    return on_search(turn);
  }
  return on_other_invoke(turn);
}

awaitable<void> ActivityHandler::on_installation_update(TurnContext& turn) {
  const auto action = turn.activity().action().value_or("");
  if (action == "add" || action == "add-upgrade") {
    return on_installed(turn);
  }
  if (action == "remove" || action == "remove-upgrade") {
    return on_uninstalled(turn);
  }
  return nothing();
}

awaitable<void> ActivityHandler::on_message(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_message_update(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_message_delete(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_members_added(std::vector<ChannelAccount>, TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_members_removed(std::vector<ChannelAccount>, TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_reactions_added(std::vector<MessageReaction>, TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_reactions_removed(std::vector<MessageReaction>, TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_token_response(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_other_event(TurnContext&) {
  return nothing();
}
awaitable<std::optional<InvokeResponse>> ActivityHandler::on_adaptive_card_action(TurnContext&, json::object) {
  return no_answer();
}
awaitable<std::optional<InvokeResponse>> ActivityHandler::on_sign_in(TurnContext&) {
  return no_answer();
}
awaitable<std::optional<InvokeResponse>> ActivityHandler::on_search(TurnContext&) {
  return no_answer();
}
awaitable<std::optional<InvokeResponse>> ActivityHandler::on_other_invoke(TurnContext&) {
  return no_answer();
}
awaitable<void> ActivityHandler::on_installed(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_uninstalled(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_typing(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_end_of_conversation(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_contact_relation_update(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_delete_user_data(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_handoff(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_command(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_command_result(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_suggestion(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_trace(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_invoke_response(TurnContext&) {
  return nothing();
}
awaitable<void> ActivityHandler::on_unrecognized(TurnContext&) {
  return nothing();
}

}  // namespace tern
