#include "shop_bot.hpp"

namespace shop {
namespace {

TEST(Store, FailsAtEachOperationInTurnAndNothingIsHalfDone) {
  std::size_t n = 0;
  for (bool failed = true; failed && n < 50;) {
    World world = World::of<ShopBot>();
    const auto ada = world.user("ada");
    world.storage().fail_operation(++n);
    const auto status = ada.say("order").status();
    failed = world.storage().failures() > 0;
    EXPECT_EQ(status, failed ? 500 : 200) << n;
    EXPECT_EQ(world.pending().size(), failed ? 0U : 2U) << "operation " << n;
    world.storage().heal();
    ada.say("order");
    EXPECT_EQ(ada.last().text(), failed ? "Order 1" : "Order 2") << "operation " << n;
  }
  EXPECT_GT(n, 2U) << "at least a read and a write";
  EXPECT_LT(n, 50U);
}

TEST(Store, LosesAnAnswerToAWriteThatIsDone) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("hello");
  const auto before = world.storage().operations();
  ada.say("order");
  const auto operations = world.storage().operations() - before;
  world.storage().lose_answer(operations);
  ada.say("order").expect_status(500);
  ada.say("order").expect_status(200);
  ada.expect({"You said, hello", "Order 1", "Order 2", "Order 3"});
}

TEST(Store, MeetsAnotherWriter) {
  World world([] {
    auto bot = std::make_unique<tern::FunctionBot>();
    bot->on_message([](tern::TurnContext& turn) -> tern::awaitable<void> {
      const auto count = tern::UserState().property<int>("count");
      co_await count.set(turn, co_await count.get(turn) + 1);
      co_await turn.send(std::to_string(co_await count.get(turn)));
    });
    return bot;
  });
  const auto ada = world.user("ada");
  ada.say("one").expect_status(200);
  world.storage().conflict();
  ada.say("two").expect_status(500);
  EXPECT_EQ(world.storage().failures(), 1U);
  ada.say("three").expect_status(200);
  EXPECT_EQ(ada.last().text(), "2");
}

TEST(Store, TakesNoWritesAndGoesAway) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  world.storage().refuse_writes();
  ada.say("order").expect_status(500);
  world.storage().heal();
  ada.say("order").expect_status(200);
  world.advance(1h - 1s);
  world.storage().go_away();
  ada.say("order").expect_status(500);
  world.advance(2s);
  EXPECT_EQ(ada.last().text(), "Order 1");
  world.storage().heal();
  world.advance(2s);
  EXPECT_EQ(ada.last().text(), "It is there") << "late, and not lost";
}

TEST(Store, TakesTime) {
  World world = World::of<ShopBot>();
  world.storage().take(100ms);
  const auto answer = world.user("ada").say("order");
  EXPECT_FALSE(answer.has_come());
  world.advance(10s);
  EXPECT_EQ(answer.status(), 200);
}

}  // namespace
}  // namespace shop
