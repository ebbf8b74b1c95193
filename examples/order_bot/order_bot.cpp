#include "order_bot.hpp"

#include <utility>

using namespace std::chrono_literals;

namespace {

constexpr int price = 4;

tern::Activity card_of(const std::string& number, const std::string& what, const std::string& currency) {
  tern::json::object text{{"type", "TextBlock"}, {"wrap", true}, {"text", "Order " + number + ": " + what}};
  tern::json::object pay{{"type", "Action.Execute"},
                         {"title", "Pay " + std::to_string(price) + " " + currency},
                         {"verb", "pay"},
                         {"data", {{"order", number}}}};
  tern::json::object card{{"version", "1.4"}, {"body", {text}}, {"actions", {pay}}};
  return tern::Activity::message(tern::Attachment::adaptive_card(std::move(card)));
}

// What the client shows where the button was.
tern::InvokeResponse answer(const std::string& text) {
  return tern::InvokeResponse(
      200, {{"statusCode", 200}, {"type", "application/vnd.microsoft.activity.message"}, {"value", text}});
}

// Tomorrow at 9, where the user is.
tern::WallTime tomorrow_at_nine(const tern::TurnContext& turn) {
  const auto device = tern::user_time_zone(turn.activity());
  const std::string zone = device ? device->name : "UTC";
  const auto tomorrow = tern::local_day(turn.clock().wall_now(), zone) + std::chrono::days(1);
  return tern::at_local(tomorrow, 9h, zone);
}

}  // namespace

tern::OwnKeys shop_keys(ShopSettings& settings) {
  tern::OwnKeys keys;
  keys.text("shop.currency", settings.currency, "What prices are in.");
  keys.number("shop.most_open", settings.most_open, 1, 100, "Orders of one user that may be unpaid at once.");
  keys.duration("shop.delivery", settings.delivery, 1s, 24h, "The time from an order to the door.");
  return keys;
}

OrderBot::OrderBot(ShopSettings settings, const tern::BotContext& context)
    : settings_(std::move(settings)),
      orders_(context.metrics.counter("shop_orders_total", "Orders that were taken.")),
      paid_(context.metrics.counter("shop_paid_total", "Orders that were paid.")) {
  on_continue("remind", [this](tern::TurnContext& turn) { return remind(turn); });
}

tern::awaitable<void> OrderBot::on_message(tern::TurnContext& turn) {
  const auto what = tern::trimmed(turn.activity().text_without_recipient_mention());
  auto open = co_await open_.get(turn);
  if (open.size() >= settings_.most_open) {
    co_await turn.send("Please pay first: " + std::to_string(open.size()) + " orders are open.");
    co_return;
  }
  const auto next = co_await last_.get(turn) + 1;
  co_await last_.set(turn, next);
  const auto number = std::to_string(next);
  open[number] = what;
  co_await open_.set(turn, std::move(open));
  co_await turn.proactive().send_after(settings_.delivery,
                                       tern::Activity::message("Your " + what + " is at the door."));
  co_await turn.proactive().continue_at(tomorrow_at_nine(turn), "remind", {{"order", number}});
  // The card first: when the channel refuses it, nothing is kept, and the activity that comes again is the first order.
  co_await turn.send(card_of(number, what, settings_.currency));
  co_await turn.commit();
  orders_.inc();
}

tern::awaitable<std::optional<tern::InvokeResponse>> OrderBot::on_adaptive_card_action(tern::TurnContext& turn,
                                                                                       tern::json::object action) {
  const auto* data = action.if_contains("data");
  const auto* order = data != nullptr && data->is_object() ? data->get_object().if_contains("order") : nullptr;
  if (order == nullptr || !order->is_string()) {
    co_return std::nullopt;
  }
  const std::string number(order->get_string());
  auto open = co_await open_.get(turn);
  if (open.erase(number) == 0) {
    co_return answer("Order " + number + " is paid already.");
  }
  co_await open_.set(turn, std::move(open));
  co_await turn.commit();
  paid_.inc();
  co_return answer("Thank you. Order " + number + " is paid.");
}

// Nothing is cancelled when an order is paid: the reminder looks whether it is still needed.
tern::awaitable<void> OrderBot::remind(tern::TurnContext& turn) {
  const std::string number(turn.activity().value()->at("order").as_string());
  const auto open = co_await open_.get(turn);
  if (const auto found = open.find(number); found != open.end()) {
    co_await turn.send("Order " + number + " (" + found->second + ") is not paid yet.");
  }
}
