#include "shop_bot.hpp"

#include <future>
#include <thread>

namespace shop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(World, HasABotThatAnswers) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("hello").expect_status(200);
  ada.expect("You said, hello");
  ada.expect_nothing();
}

TEST(World, FiresWhatIsDueInOrderAndAtItsTime) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  const auto begin = world.now();
  ada.say("order");
  world.advance(21 * 24h);
  ada.expect({"Order 1", "It is there", "How was it?"});
  EXPECT_EQ(world.channel().calls().at(1).at, begin + 1h);
  EXPECT_EQ(world.channel().calls().at(2).at, begin + 24h);
  EXPECT_EQ(world.now(), begin + 21 * 24h);
}

TEST(World, StopsShortOfWhatIsNotDue) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("order");
  world.advance(1h - 1ms);
  ada.expect("Order 1");
  world.advance(1ms);
  ada.expect("It is there");
  world.advance_to(world.now() + 23h);
  ada.expect("How was it?");
}

TEST(World, TellsWhatIsPending) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("order");
  const auto pending = world.pending();
  ASSERT_EQ(pending.size(), 2U);
  EXPECT_EQ(pending[0].text, "It is there");
  EXPECT_EQ(pending[0].due, world.now() + 1h);
  EXPECT_EQ(pending[0].conversation_id, ada.conversation_id());
  EXPECT_EQ(pending[1].continuation, "ask");
  EXPECT_THAT(complaint([&] { world.expect_nothing_pending(); }),
              AllOf(HasSubstr("world_test.cpp:"), HasSubstr("2026-01-01T01:00:00.000Z to conversation-of-ada: \"It is"),
                    HasSubstr("the continuation ask")));
  EXPECT_EQ(world.run(world.proactive().cancel(pending[0].handle)), tern::CancelOutcome::cancelled);
  EXPECT_EQ(world.pending().size(), 1U);
  world.advance(24h);
  world.expect_nothing_pending();
}

TEST(World, TellsOfTurnsAndWorkThatGoOn) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  world.expect_nothing_pending();
  ada.say("slow");
  EXPECT_THAT(complaint([&] { world.expect_nothing_pending(); }), HasSubstr("open turns: 1"));
  world.advance(3s);
  ada.say("work");
  EXPECT_THAT(complaint([&] { world.expect_nothing_pending(); }), HasSubstr("background work that goes on: 1"));
  world.advance(10s);
  ada.expect({"at last", "done"});
  world.expect_nothing_pending();
}

TEST(World, KeepsWhatIsStoredWhenTheBotIsRestarted) {
  World world = World::of<ShopBot>();
  const auto ada = world.user("ada");
  ada.say("order");
  ada.say("slow");
  world.restart();
  ada.say("order");
  ada.expect({"Order 1", "Order 2"});
  world.advance(24h);
  ada.expect({"It is there", "It is there", "How was it?", "How was it?"});
  world.expect_nothing_pending();
}

TEST(World, TakesSettingsAndRefusesWrongOnes) {
  WorldOptions options;
  options.settings = {{"proactive.enabled", false}};
  World world = World::of<ShopBot>(options);
  world.user().say("order").expect_status(500);
  options.settings = {{"turn.ordr", "none"}};
  EXPECT_THROW(World::of<ShopBot>(options), tern::ConfigError);
}

TEST(World, MakesABotForEachTurn) {
  int made = 0;
  WorldOptions options;
  options.one_per_turn = true;
  World world(
      [&made] {
        ++made;
        return std::make_unique<ShopBot>();
      },
      options);
  const auto before = made;
  world.user().say("hello");
  world.user().say("hello");
  EXPECT_EQ(made, before + 2);
}

TEST(World, BeginsWhenItIsTold) {
  WorldOptions options;
  options.start = std::chrono::sys_days{std::chrono::year{2030} / 6 / 1};
  World world = World::of<ShopBot>(options);
  EXPECT_EQ(world.now(), options.start);
}

TEST(World, ReadsFigures) {
  World world = World::of<ShopBot>();
  world.user().say("hello");
  world.metrics().counter("orders_total", "Orders.", {{"kind", "pizza"}}).inc(2);
  world.metrics().counter("orders_total", "Orders.", {{"kind", "tea"}}).inc(3);
  EXPECT_EQ(world.figure("orders_total{kind=\"pizza\"}"), 2);
  EXPECT_EQ(world.figure("orders_total"), 5);
  EXPECT_EQ(world.figure("tern_turns_total{outcome=\"ok\"}"), 1);
  EXPECT_EQ(world.figure("orders"), std::nullopt);
}

TEST(World, AsksRoutesOfTheBotsOwn) {
  WorldOptions options;
  options.routes.add(
      "POST", "/orders",
      [](const tern::WebRequest& request, const tern::BotContext& context) -> tern::awaitable<tern::WebResponse> {
        const auto counts = co_await context.proactive.counts();
        co_return tern::WebResponse(201, std::string(request.body()) + " " + std::string(request.query()) + " " +
                                             std::string(request.header("x-who").value_or("nobody")) + " " +
                                             std::to_string(counts.pending));
      });
  options.routes.add_below(
      "/files", [](const tern::WebRequest& request, const tern::BotContext&) -> tern::awaitable<tern::WebResponse> {
        throw std::runtime_error(std::string(request.path()));
        co_return tern::WebResponse();
      });
  World world = World::of<ShopBot>(options);
  world.user().say("order");
  const auto response = world.request("POST", "/orders/?all", "body", {{"X-Who", "Ada"}});
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(response.body, "body all Ada 2");
  EXPECT_EQ(world.request("GET", "/orders").status, 404U);
  EXPECT_EQ(world.request("GET", "/filesystem").status, 404U);
  EXPECT_THROW(world.request("GET", "/files/a"), std::runtime_error);
}

TEST(World, GivesTheBotAPosterForOtherThreads) {
  tern::Poster* poster = nullptr;
  World world([&poster](const tern::BotContext& context) {
    poster = &context.poster;
    return std::make_unique<ShopBot>();
  });
  const auto ada = world.user("ada");
  std::future<void> end;
  std::thread([&] {
    end = poster->post(ada.reference(), [](tern::Conversation conversation) -> tern::awaitable<void> {
      co_await conversation.send("from a thread");
    });
  }).join();
  world.settle();
  EXPECT_NO_THROW(end.get());
  ada.expect("from a thread");
}

TEST(World, RunsCoroutinesAndPassesOnWhatTheyThrow) {
  World world = World::of<ShopBot>();
  const auto reference = world.user("ada").reference();
  world.run(world.proactive().send(reference, tern::Activity::message("by the way")));
  world.user("ada").expect("by the way");
  EXPECT_THROW(world.run(world.proactive().continue_after(reference, 1s, "unknown")), tern::system_error);
}

TEST(World, SaysWhenACoroutineWaitsForTheClock) {
  WorldOptions options;
  options.patience = 1ms;
  World world = World::of<ShopBot>(options);
  EXPECT_THAT(complaint([&] { world.run(tern::sleep_for(1s, world.clock())); }), HasSubstr("clock"));
  EXPECT_THAT(complaint([&] { world.run_until([] { return false; }); }), HasSubstr("clock"));
  const auto late = [](tern::Clock& clock) -> tern::awaitable<int> {
    co_await tern::sleep_for(1s, clock);
    co_return 1;
  };
  EXPECT_THAT(complaint([&] { (void)world.run(late(world.clock())); }), HasSubstr("clock"));
  world.advance(2s);  // they end now, and nobody waits for them any more
}

TEST(World, RefusesWhatMakesNoSense) {
  World world = World::of<ShopBot>();
  EXPECT_THROW(world.advance(-1s), tern::system_error);
  EXPECT_THROW(world.route_to(1), tern::system_error);
  EXPECT_THROW(world.start(0), tern::system_error);
  world.kill(0);
  EXPECT_THROW(world.kill(0), tern::system_error);
  EXPECT_THROW(world.user().say("hello"), tern::system_error);
  world.restart();
  world.user().say("hello").expect_status(200);
}

}  // namespace
}  // namespace shop
