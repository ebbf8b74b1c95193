#include "order_bot/order_bot.hpp"

#include <tern/testing.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace {

using namespace std::chrono_literals;
using tern::test::World;
using tern::test::WorldOptions;

tern::BotFactory shop(ShopSettings settings = {}) {
  return [settings](const tern::BotContext& context) { return std::make_unique<OrderBot>(settings, context); };
}

TEST(OrderBot, TakesAnOrderAndItsPayment) {
  World world(shop());
  const auto ada = world.user("ada");
  ada.say("tea").expect_status(200);
  ada.press("Pay 4 EUR").expect_status(200);
  EXPECT_EQ(ada.press("Pay 4 EUR").body().at("value"), "Order 1 is paid already.");
  world.advance(2h);
  ada.expect({"", "Your tea is at the door."});
  EXPECT_EQ(world.figure("shop_orders_total"), 1);
  EXPECT_EQ(world.figure("shop_paid_total"), 1);
}

TEST(OrderBot, RemindsTomorrowAtNineWhereTheUserIs) {
  WorldOptions options;
  options.start = std::chrono::sys_days{std::chrono::year{2026} / 3 / 28} + 20h;  // the clock changes in the night
  World world(shop(), options);
  const auto ada = world.user("ada").with_time_zone("Europe/Zurich");
  ada.say("tea");
  ada.say("milk");
  ada.press("Pay 4 EUR");
  world.advance_to(std::chrono::sys_days{std::chrono::year{2026} / 3 / 29} + 7h - 1s);
  ada.expect({"", "", "Your tea is at the door.", "Your milk is at the door."});
  world.advance(1s);
  ada.expect("Order 1 (tea) is not paid yet.");
  world.expect_nothing_pending();
}

TEST(OrderBot, StopsAtTheMostThatIsConfigured) {
  ShopSettings settings;
  WorldOptions options;
  options.keys = shop_keys(settings);
  options.settings = {{"shop.most_open", 1}, {"shop.currency", "CHF"}};
  World world([&settings](const tern::BotContext& context) { return std::make_unique<OrderBot>(settings, context); },
              options);
  const auto ada = world.user("ada");
  ada.say("tea");
  ada.say("milk");
  ada.expect({"", "Please pay first: 1 orders are open."});
  ada.press("Pay 4 CHF").expect_status(200);
  ada.say("milk");
  ada.expect("");
}

TEST(OrderBot, TakesAnOrderOnceWhenItsCardIsRefusedAndTheActivityComesAgain) {
  World world(shop());
  const auto ada = world.user("ada");
  const auto order = ada.addressed(tern::Activity::message("tea"));
  world.channel().order(tern::test::Fault::status(403));
  ada.send(order).expect_status(500);
  ada.send(order).expect_status(200);
  EXPECT_EQ(world.figure("shop_orders_total"), 1);
  EXPECT_EQ(world.pending().size(), 2U);
  ada.press("Pay 4 EUR").expect_status(200);
}

TEST(OrderBot, CountsNoOrderThatWasNotKept) {
  std::size_t failures = 1;
  for (std::size_t n = 1; failures > 0; ++n) {
    World world(shop());
    const auto ada = world.user("ada");
    world.storage().fail_operation(n);
    ada.say("tea");
    failures = world.storage().failures();
    EXPECT_EQ(world.figure("shop_orders_total"), failures > 0 ? 0 : 1) << "operation " << n;
    EXPECT_EQ(world.pending().size(), failures > 0 ? 0U : 2U) << "operation " << n;
  }
}

}  // namespace
