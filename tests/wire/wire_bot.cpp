#include "wire/wire_bot.hpp"

#include "wire/js_text.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tern::wire {

namespace {

using namespace std::chrono_literals;

std::string message_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown";
  }
}

const json::value* member(const Activity& activity, std::string_view name) {
  return activity.json().if_contains(name);
}

// Two bots were captured. The one behind the Playground answers its two messages, `scripted` and `hi`, with typing at
// once and `You said "..."` two seconds later; the other echoes. Which one is meant shows in who wrote: the
// Playground describes itself in an entity.
bool is_for_playground_bot(const Activity& activity) {
  const auto text = activity.text();
  if (text != "scripted" && text != "hi") {
    return false;
  }
  const auto entities = activity.entities();
  return std::any_of(entities.begin(), entities.end(),
                     [](const Entity& entity) { return entity.type() == "clientInfo"; });
}

}  // namespace

awaitable<void> WireBot::on_turn_error(TurnContext& turn, std::exception_ptr error) {
  auto trace = Activity::trace("OnTurnError Trace", json::value("Error: " + message_of(error)),
                               "https://www.botframework.com/schemas/error", "TurnError");
  trace.set_timestamp(Timestamp::utc(turn.clock().wall_now()));
  co_await turn.send(std::move(trace));
  co_await turn.send("The bot encountered an error or bug.");
}

awaitable<void> WireBot::on_message(TurnContext& turn) {
  const std::string text(turn.activity().text());
  if (text == "throw") {
    throw std::runtime_error("boom");
  }
  if (text == "update") {
    co_await send_update_delete(turn);
  } else if (text == "multi") {
    co_await send_several(turn);
  } else if (text == "card") {
    co_await send_choices(turn);
  } else if (is_for_playground_bot(turn.activity())) {
    co_await answer_later(turn, text);
  } else {
    co_await turn.send("Echo: " + js_text(member(turn.activity(), "text")));
  }
}

awaitable<void> WireBot::send_update_delete(TurnContext& turn) {
  const auto first = co_await turn.send("first");
  const std::string id(first ? first->id().value_or("") : "");
  auto second = Activity::message("second");
  second.set_id(id);
  co_await turn.update(std::move(second));
  co_await turn.remove(id);
}

awaitable<void> WireBot::send_several(TurnContext& turn) {
  std::vector<Activity> activities;
  activities.push_back(Activity::typing());
  activities.push_back(Activity::message("one"));
  activities.push_back(Activity::delay(100ms));
  activities.push_back(Activity::message("two"));
  co_await turn.send_many(std::move(activities));
}

awaitable<void> WireBot::send_choices(TurnContext& turn) {
  std::vector<CardAction> actions;
  actions.push_back(CardAction::im_back("a"));
  actions.push_back(CardAction::im_back("b"));
  auto message = Activity::message("pick");
  message.set_suggested_actions(SuggestedActions(std::move(actions)));
  co_await turn.send(std::move(message));
}

awaitable<void> WireBot::answer_later(TurnContext& turn, std::string text) {
  co_await turn.send_typing();
  auto answer = Activity::message("You said \"" + text + "\"");
  co_await turn.proactive().send_after(later_, std::move(answer));
}

awaitable<void> WireBot::on_members_added(std::vector<ChannelAccount> members, TurnContext& turn) {
  for (std::size_t i = 0; i < members.size(); ++i) {
    co_await turn.send("Hello and welcome!");
  }
}

awaitable<void> WireBot::on_event(TurnContext& turn) {
  co_await turn.send("event " + js_text(member(turn.activity(), "name")));
}

awaitable<std::optional<InvokeResponse>> WireBot::on_other_invoke(TurnContext& turn) {
  const auto name = turn.activity().name().value_or("");
  if (name == "test/echo") {
    json::object body;
    if (const json::value* value = turn.activity().value()) {
      body["echoed"] = *value;
    }
    co_return InvokeResponse(200, std::move(body));
  }
  if (name == "test/send") {
    co_await turn.send("from invoke");
    json::object body;
    body["ok"] = true;
    co_return InvokeResponse(200, std::move(body));
  }
  co_return std::nullopt;
}

}  // namespace tern::wire
