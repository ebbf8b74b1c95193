// What becomes of the replies of a turn that streams, and of the calls that wait for it.
#include "direct_line/offer_line.hpp"
#include "unit/direct_line/posts.hpp"

#include <tern/async/timer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;
using test::Posts;
using test::World;
using testing::ElementsAre;

/// A bot that has given its replies after 12 s.
class SlowInlet final : public ChannelInlet {
 public:
  SlowInlet(Clock& clock, std::vector<Activity> all) : replies(std::move(all)), clock_(clock) {}
  std::string_view address() const noexcept override { return service_url; }
  awaitable<TurnResult> receive(Activity, std::optional<Identity>, OnReply on_reply) override {
    ++turns;
    co_await sleep_for(12s, clock_);
    std::uint64_t number = 0;
    for (const auto& reply : replies) {
      auto taken = on_reply({reply, "run-1", ++number});
      co_await std::move(taken);
    }
    co_return TurnResult{};
  }

  std::vector<Activity> replies;
  int turns = 0;

 private:
  Clock& clock_;
};

class StreamedPost : public testing::Test {
 protected:
  Activity reply(const std::string& text) const {
    auto made = Activity::message(text);
    made.set_conversation(ConversationAccount(posts.client.id));
    return made;
  }
  void say(const std::string& text) { posts.post(text, "id of " + text, true); }
  std::vector<std::string> history() { return world.texts(posts.client); }
  void bot_is(TurnOutcome outcome) {
    world.bot.result.outcome = outcome;
    world.bot.result.retry_after = 1s;
  }

  World world;
  Posts posts{world};
};

class SlowStream : public StreamedPost {
 protected:
  SlowStream() { world.channel->set_bot(slow); }
  SlowInlet slow{world.clock, {reply("r1"), reply("r2"), reply("r3")}};
};

TEST_F(SlowStream, LosesNoReplyWhenTheStoreIsAwayForAWhile) {
  say("one");
  posts.pass(11s);
  EXPECT_EQ(posts.status("one"), 200U);
  world.faults->writes_fail = true;
  posts.pass(20s);
  EXPECT_THAT(history(), ElementsAre("one"));
  world.faults->writes_fail = false;
  posts.pass(6s);
  EXPECT_THAT(history(), ElementsAre("one", "r1", "r2", "r3"));
}

TEST_F(SlowStream, StoresTheRestOfARepetitionWhenTheStoreWasAwayForLonger) {
  say("one");
  posts.pass(11s);
  world.faults->writes_fail = true;
  posts.pass(80s);
  world.faults->writes_fail = false;
  posts.pass(80s);
  EXPECT_THAT(history(), ElementsAre("one")) << "it was given up";
  say("one");
  posts.pass(13s);
  EXPECT_THAT(history(), ElementsAre("one", "r1", "r2", "r3"));
}

TEST_F(SlowStream, LeavesOutAReplyThatIsTooLarge) {
  slow.replies[1] = reply(std::string(std::size_t{300} * 1024, 'x'));
  say("one");
  posts.pass(13s);
  EXPECT_THAT(history(), ElementsAre("one", "r1", "r3"));
}

TEST_F(SlowStream, IsGivenToTheBotOnceHoweverOftenItIsBrought) {
  for (int i = 0; i < 5; ++i) {
    say("one");
  }
  posts.pass(11s);
  EXPECT_EQ(posts.answered(), 5U);
  EXPECT_EQ(slow.turns, 1);
  posts.pass(2s);
  EXPECT_THAT(history(), ElementsAre("one", "r1", "r2", "r3"));
}

TEST_F(SlowStream, IsWaitedForWhenTheChannelCloses) {
  say("one");
  posts.pass(11s);
  std::optional<bool> closed;
  asio::co_spawn(world.io, world.channel->close(Deadline::after(8s, world.clock)),
                 [&closed](const std::exception_ptr&, bool clean) { closed = clean; });
  tern::test::drain(world.io);
  EXPECT_EQ(closed, std::nullopt);
  posts.pass(1s);
  EXPECT_EQ(closed, true);
  EXPECT_THAT(history(), ElementsAre("one", "r1", "r2", "r3"));
}

TEST_F(SlowStream, IsCutWhenItIsLongerThanTheChannelHasToClose) {
  say("one");
  posts.pass(1s);
  std::optional<bool> closed;
  asio::co_spawn(world.io, world.channel->close(Deadline::after(8s, world.clock)),
                 [&closed](const std::exception_ptr&, bool clean) { closed = clean; });
  tern::test::drain(world.io);
  posts.pass(7s);
  EXPECT_EQ(closed, false);
  EXPECT_EQ(posts.status("one"), 503U);
}

TEST_F(StreamedPost, ShowsTheRepliesOfARunAfterOneThatFailed) {
  world.bot.replies = {reply("A")};
  bot_is(TurnOutcome::failed);
  say("one");
  EXPECT_EQ(posts.status("one"), 502U);
  world.bot.run = "run-2";
  world.bot.replies = {reply("B")};
  bot_is(TurnOutcome::done);
  say("one");
  EXPECT_THAT(history(), ElementsAre("one", "A", "B"));
}

TEST_F(StreamedPost, IsStoredOnceHoweverManyRepliesItHas) {
  for (int i = 0; i < 60; ++i) {
    world.bot.replies.push_back(reply(std::to_string(i)));
  }
  for (int i = 0; i < 2; ++i) {
    say("one");
    EXPECT_EQ(history().size(), 61U);
  }
}

TEST(StreamedPostTime, BeginsWhenTheBotHasTakenTheActivity) {
  Options options;
  options.ack_after = 2s;
  World world(std::move(options));
  Posts posts(world);
  world.bot.received.clear();
  world.bot.result.outcome = TurnOutcome::overloaded;
  posts.post("one", "c-1", true);
  posts.pass(2s);
  EXPECT_EQ(posts.status("one"), 0U);
  world.bot.result.outcome = TurnOutcome::done;
  world.bot.during = [&world](Activity) { return sleep_for(1min, world.clock); };
  posts.pass(2s);
  EXPECT_EQ(posts.status("one"), 0U);
  posts.pass(1s);
  EXPECT_EQ(posts.status("one"), 200U);
}

TEST(StreamedPostTime, AnswersThatTheBotStaysOverloaded) {
  Options options;
  options.ack_after = 1ms;
  World world(std::move(options));
  Posts posts(world);
  world.bot.result.outcome = TurnOutcome::overloaded;
  posts.post("one", "c-1", true);
  posts.pass(4s);
  EXPECT_EQ(posts.status("one"), 429U);
}

/// Two messages, of which the first one was refused.
class MessageBehindAnother : public StreamedPost {
 protected:
  MessageBehindAnother() {
    world.bot.received.clear();
    bot_is(TurnOutcome::overloaded);
    posts.post("one", "c-1", false);
    bot_is(TurnOutcome::goes_on);
  }
  std::vector<std::string> given() const {
    std::vector<std::string> texts;
    for (const auto& activity : world.bot.received) {
      texts.emplace_back(activity.text());
    }
    return texts;
  }
};

TEST_F(MessageBehindAnother, DoesNotOvertakeIt) {
  posts.post("two", "c-2", false);
  posts.post("three", "c-3", true);
  EXPECT_THAT(given(), ElementsAre("one"));
  posts.pass(1s);
  EXPECT_THAT(given(), ElementsAre("one", "one", "two", "three"));
  EXPECT_EQ(posts.answered(), 3U);
}

TEST_F(MessageBehindAnother, WaitsForNoOtherConversation) {
  Posts other(world);
  world.bot.received.clear();
  other.post("two", "c-2", false);
  EXPECT_THAT(given(), ElementsAre("two"));
}

TEST_F(MessageBehindAnother, DoesNotWaitForTheEndOfItsTurn) {
  world.bot.during = [this](Activity) { return sleep_for(1min, world.clock); };
  posts.post("two", "c-2", false);
  posts.pass(1s);
  EXPECT_THAT(given(), ElementsAre("one", "one"));
  posts.pass(1s);
  EXPECT_THAT(given(), ElementsAre("one", "one", "two"));
}

TEST_F(MessageBehindAnother, DoesNotWaitWhenItIsTyping) {
  world.post("/conversations/" + posts.client.id + "/activities", posts.client.token,
             R"({"type":"typing","from":{"id":"u"}})");
  EXPECT_EQ(world.bot.received.back().type(), "typing");
}

TEST_F(MessageBehindAnother, GoesOnWhenThatIsGivenUp) {
  bot_is(TurnOutcome::overloaded);
  posts.post("two", "c-2", false);
  posts.pass(3s);
  EXPECT_EQ(posts.status("one"), 429U);
  EXPECT_EQ(posts.status("two"), 0U);
  bot_is(TurnOutcome::goes_on);
  posts.pass(1s);
  EXPECT_EQ(posts.status("two"), 200U);
}

TEST_F(MessageBehindAnother, IsRefusedWhenManyWait) {
  for (std::size_t i = 1; i < OfferLine::max_waiting; ++i) {
    posts.post("more " + std::to_string(i), "c", false);
  }
  EXPECT_EQ(posts.answered(), 0U);
  posts.post("too many", "c", false);
  EXPECT_EQ(posts.status("too many"), 429U);
  posts.pass(1s);
  EXPECT_EQ(posts.answered(), OfferLine::max_waiting + 1);
  EXPECT_EQ(given().size(), OfferLine::max_waiting + 1) << "all of them, and the first one twice";
}

}  // namespace
}  // namespace tern::direct_line
