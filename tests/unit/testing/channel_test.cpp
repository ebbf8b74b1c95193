#include "shop_bot.hpp"

#include <algorithm>

namespace shop {
namespace {

class ChannelFaults : public ::testing::Test {
 protected:
  World world_{[] { return std::make_unique<ShopBot>(); }};
  User ada_ = world_.user("ada");
};

TEST_F(ChannelFaults, AReplyIsTriedAgainWhenItSurelyDidNotArrive) {
  world_.channel().order(Fault::status(429));
  ada_.say("hello");
  ada_.expect_nothing();
  world_.advance(10s);
  ada_.expect("You said, hello");
  ASSERT_EQ(world_.channel().calls().size(), 2U);
  EXPECT_FALSE(world_.channel().calls()[0].arrived);
}

TEST_F(ChannelFaults, RetryAfterIsKept) {
  ada_.say("order");
  ada_.expect("Order 1");
  const auto begin = world_.now();
  world_.channel().order(Fault::status(429).retry_after(10min));
  world_.advance(2h);
  ada_.expect("It is there");
  const auto& calls = world_.channel().calls();
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_GE(calls[2].at, begin + 1h + 10min);
  EXPECT_EQ(calls[1].request_id, calls[2].request_id);
}

TEST_F(ChannelFaults, OneThatMayHaveArrivedIsToldApart) {
  world_.channel().order(Fault::close());
  ada_.say("hello").expect_status(500);
  ada_.expect("You said, hello");
  world_.channel().order(Fault::close().lost());
  ada_.say("hello").expect_status(500);
  ada_.expect_nothing();
}

TEST_F(ChannelFaults, AHangEndsAtTheBotsDeadline) {
  world_.channel().order(Fault::hang().lost());
  const auto answer = ada_.say("hello");
  world_.advance(14s);
  EXPECT_EQ(world_.channel().under_way(), 1U);
  world_.advance(1s);
  EXPECT_EQ(world_.channel().under_way(), 0U);
  ada_.expect_nothing();
}

TEST_F(ChannelFaults, ASlowOneAnswersInTheEnd) {
  world_.channel().order(Fault::slow(4s));
  const auto answer = ada_.say("hello");
  world_.advance(4s - 1ms);
  EXPECT_FALSE(answer.has_come());
  world_.advance(1ms);
  EXPECT_EQ(answer.status(), 200);
  ada_.expect("You said, hello");
}

TEST_F(ChannelFaults, OneThatIsTooSlowIsGivenUp) {
  world_.channel().order(Fault::slow(1h));
  ada_.say("hello");
  world_.advance(15s);
  EXPECT_EQ(world_.channel().under_way(), 0U);
  ada_.expect("You said, hello");
}

TEST_F(ChannelFaults, NoConnectionMeansNothingWasSent) {
  world_.channel().order(Fault::refuse().times(2));
  ada_.say("hello");
  world_.advance(30s);
  ada_.expect("You said, hello");
  EXPECT_EQ(world_.channel().calls().size(), 3U);
}

TEST_F(ChannelFaults, TheNthIsCountedFromNow) {
  ada_.say("one");
  world_.channel().order(Fault::status(400).nth(2));
  ada_.say("two").expect_status(200);
  ada_.say("three").expect_status(500);
  ada_.say("four").expect_status(200);
  ada_.expect({"You said, one", "You said, two", "You said, four"});
}

TEST_F(ChannelFaults, OnlyWhatMatchesIsMeant) {
  const auto bob = world_.user("bob");
  world_.channel().order(Fault::gateway(400).conversation(bob.conversation_id()).always());
  world_.channel().order(Fault::status(400).text("pizza").always());
  ada_.say("tea").expect_status(200);
  ada_.say("pizza").expect_status(500);
  ada_.say("pizza").expect_status(500);
  bob.say("tea");
  world_.advance(1min);
  bob.expect_nothing();
  world_.channel().heal();
  ada_.say("pizza").expect_status(200);
  ada_.expect({"You said, tea", "You said, pizza"});
}

TEST_F(ChannelFaults, AWrongOrderIsRefused) {
  EXPECT_THROW(Fault::status(200), tern::system_error);
  EXPECT_THROW(Fault::gateway(600), tern::system_error);
  EXPECT_THROW(Fault::hang().nth(0), tern::system_error);
}

TEST(Channel, TakesUpdatesDeletionsAndNewConversations) {
  World world([] {
    auto bot = std::make_unique<tern::FunctionBot>();
    bot->on_message([](tern::TurnContext& turn) -> tern::awaitable<void> {
      const auto sent = co_await turn.send("first");
      const std::string id(sent->id().value_or(""));
      auto changed = tern::Activity::message("second");
      changed.set_id(id);
      co_await turn.update(std::move(changed));
      co_await turn.remove(id);
      co_await turn.proactive().create_conversation("emulator", "http://localhost:9", tern::ConversationParameters());
    });
    return bot;
  });
  world.user("ada").say("go").expect_status(200);
  using Kind = tern::test::ChannelCall::Kind;
  const auto& calls = world.channel().calls();
  std::vector<Kind> kinds;
  std::transform(calls.begin(), calls.end(), std::back_inserter(kinds), [](const auto& call) { return call.kind; });
  EXPECT_THAT(kinds, ::testing::ElementsAre(Kind::send, Kind::update, Kind::remove, Kind::create));
  EXPECT_EQ(calls[1].activity.text(), "second");
  EXPECT_EQ(calls[2].activity.id(), "sent-1");
  EXPECT_THAT(world.channel().texts(), ::testing::ElementsAre("first"));
}

}  // namespace
}  // namespace shop
