#include "shop_bot.hpp"

#include <algorithm>

namespace shop {
namespace {

class Replicas : public ::testing::Test {
 protected:
  static WorldOptions two() {
    WorldOptions options;
    options.replicas = 2;
    return options;
  }

  World world_{[] { return std::make_unique<ShopBot>(); }, two()};
  User ada_ = world_.user("ada");
};

TEST_F(Replicas, ShareWhatIsStored) {
  ada_.say("order");
  world_.route_to(1);
  ada_.say("order");
  ada_.expect({"Order 1", "Order 2"});
}

TEST_F(Replicas, SendEachPromiseOnce) {
  world_.advance(20s);  // until they have shared the schedule
  for (int i = 0; i < 20; ++i) {
    world_.route_to(i % 2);
    world_.user("user-" + std::to_string(i)).say("order");
  }
  world_.advance(1h + 1s);
  EXPECT_EQ(std::ranges::count(world_.channel().texts(), "It is there"), 20);
}

TEST_F(Replicas, TakeOverFromOneThatWasKilled) {
  world_.advance(20s);
  for (int i = 0; i < 20; ++i) {
    world_.user("user-" + std::to_string(i)).say("order");
  }
  world_.kill(0);
  EXPECT_THROW(ada_.say("hello"), tern::system_error);
  world_.route_to(1);
  ada_.say("hello").expect_status(200);
  world_.advance(1h + 1min);
  EXPECT_EQ(std::ranges::count(world_.channel().texts(), "It is there"), 20);
  world_.start(0);
  world_.route_to(0);
  ada_.say("order").expect_status(200);
}

// Without sticky routing two turns of one conversation may run at the same time; the later one is told.
TEST_F(Replicas, TellTheLaterOfTwoTurnsThatMeet) {
  World world(
      [] {
        auto bot = std::make_unique<tern::FunctionBot>();
        bot->on_message([](tern::TurnContext& turn) -> tern::awaitable<void> {
          const auto count = tern::ConversationState().property<int>("count");
          const auto now = co_await count.get(turn);
          co_await tern::sleep_for(1s, turn.clock());
          co_await count.set(turn, now + 1);
        });
        return bot;
      },
      two());
  const auto ada = world.user("ada");
  const auto first = ada.say("one");
  world.route_to(1);
  const auto second = ada.say("two");
  world.advance(1s);
  EXPECT_EQ(first.status(), 200);
  EXPECT_EQ(second.status(), 500);
}

std::unique_ptr<tern::FunctionBot> reminding_bot() {
  auto bot = std::make_unique<tern::FunctionBot>();
  bot->on_message([](tern::TurnContext& turn) -> tern::awaitable<void> {
    if (turn.activity().text() == "remind me") {
      (void)co_await turn.proactive().send_after(1h, tern::Activity::message("Are you still there?"),
                                                 tern::SendOptions().cancel_on_reply());
    }
  });
  return bot;
}

// Each of the two ways to schedule. No time passes, so that no replica has looked at the store meanwhile.
TEST_F(Replicas, CancelWhatAReplyToAnotherReplicaCancels) {
  for (const bool in_turn : {true, false}) {
    World world(reminding_bot, two());
    const auto ada = world.user("ada");
    ada.say(in_turn ? "remind me" : "hello");
    if (!in_turn) {
      const auto found = world.run(world.proactive().find_reference("emulator", "ada"));
      ASSERT_TRUE(found);
      (void)world.run(world.proactive().send_after(*found, 1h, tern::Activity::message("Are you still there?"),
                                                   tern::SendOptions().cancel_on_reply()));
    }
    ASSERT_EQ(world.pending().size(), 1U);
    world.route_to(1);
    ada.say("here I am");
    EXPECT_TRUE(world.pending().empty());
  }
}

// The others say that there are such sends once a second at most. When it counts them there are none.
TEST_F(Replicas, CancelWhatAReplyCancelsAlsoRightAfterOneHasBegun) {
  World world(reminding_bot, two());
  const auto ada = world.user("ada");
  world.kill(1);
  ada.say("remind me");
  ada.say("here I am");
  ASSERT_TRUE(world.pending().empty());
  world.start(1);
  ada.say("remind me");
  ASSERT_EQ(world.pending().size(), 1U);
  world.route_to(1);
  ada.say("here I am");
  EXPECT_TRUE(world.pending().empty());
}

// Each time that one counts such sends there are none, so that it knows of them by hints alone.
TEST_F(Replicas, TellOfWhatAReplyCancelsAlsoWhileTheyStoreSuchSendsAllTheTime) {
  World world(reminding_bot, two());
  const auto ada = world.user("ada");
  const auto use_for = [&](int times) {
    for (int i = 0; i < times; ++i) {
      ada.say("remind me");
      ada.say("here I am");
      ASSERT_TRUE(world.pending().empty());
      world.advance(900ms);
    }
  };
  world.kill(1);
  use_for(3);
  world.start(1);
  use_for(10);
  ada.say("remind me");
  world.route_to(1);
  ada.say("here I am");
  EXPECT_TRUE(world.pending().empty());
}

/// Tells the replicas what it hears, and keeps what they tell it.
class Herald final : public tern::ActivityHandler {
 public:
  Herald(const tern::BotContext& context, std::vector<std::string>& heard)
      : storage_(context.storage),
        listens_(storage_.listen("news/", [&heard](std::string_view topic) { heard.emplace_back(topic); })) {}

 private:
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    tern::StoreChanges changes;
    changes.upserts.emplace_back("news", "{}");
    changes.hints.push_back("news/" + std::string(turn.activity().text()));
    (void)co_await storage_.write(std::move(changes), tern::Deadline::never());
  }

  tern::AnyStorage storage_;
  tern::HintSubscription listens_;
};

TEST_F(Replicas, HearOfEachOthersWrites) {
  std::vector<std::vector<std::string>> heard;
  heard.reserve(3);
  World world(
      [&heard](const tern::BotContext& context) { return std::make_unique<Herald>(context, heard.emplace_back()); },
      two());
  const auto ada = world.user("ada");
  ada.say("one");
  world.route_to(1);
  ada.say("two");
  for (const auto& of_replica : heard) {
    EXPECT_NE(std::ranges::find(of_replica, "news/one"), of_replica.end());
    EXPECT_NE(std::ranges::find(of_replica, "news/two"), of_replica.end());
  }
  const auto before = heard[0].size();
  world.kill(0);
  ada.say("three");
  EXPECT_EQ(heard[0].size(), before) << "it is gone";
}

/// Tells the other replicas what it hears, and stores nothing.
class Whisperer final : public tern::ActivityHandler {
 public:
  Whisperer(const tern::BotContext& context, std::vector<std::string>& heard)
      : storage_(context.storage),
        listens_(storage_.listen_to_notes("news/", [&heard](std::string_view topic, std::string_view text) {
          heard.push_back(std::string(topic).append(": ").append(text));
        })) {}

 private:
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    storage_.tell("news/now", std::string(turn.activity().text()));
    co_return;
  }

  tern::AnyStorage storage_;
  tern::HintSubscription listens_;
};

TEST_F(Replicas, HearTheNotesOfEachOther) {
  std::vector<std::vector<std::string>> heard;
  heard.reserve(3);
  World world(
      [&heard](const tern::BotContext& context) { return std::make_unique<Whisperer>(context, heard.emplace_back()); },
      two());
  const auto ada = world.user("ada");
  ada.say("one");
  world.route_to(1);
  ada.say("two");
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0], std::vector<std::string>{"news/now: two"});
  EXPECT_EQ(heard[1], std::vector<std::string>{"news/now: one"});
}

}  // namespace
}  // namespace shop
