// Gateways and proxies that answer instead of the channel for a while. On a manual clock, from the bot's call to the
// channel.
#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using testing::HasSubstr;
using testing::IsEmpty;

class OutagesTest : public ::testing::Test {
 protected:
  OutagesTest() {
    world.sender.takes = 30ms;
    world.sender.judge = [this](const Activity& activity) {
      ++asked;
      if (fails) {
        fails();
      }
      arrived.insert(std::string(*activity.conversation_id()));
    };
  }

  // Until it is over everybody is answered so.
  void answer_all(int status, ChannelError::By by, std::string said = {}) {
    fails = [=] { throw ChannelError(status, {}, std::nullopt, said, by); };
  }
  // Each of ten conversations has written to the bot, and one send comes due in each.
  void schedule_ten(SendOptions options = {}) {
    for (int i = 0; i < 10; ++i) {
      schedule("c" + std::to_string(i), options);
    }
  }
  void schedule(const std::string& conversation, SendOptions options = {}) {
    world.say("hello", conversation);
    test::run_on(world.io(), world.proactive->send_after(world.message("x", conversation).reference(), 1s,
                                                         Activity::message("x"), std::move(options)));
  }
  std::vector<std::string> dead_reasons() {
    std::vector<std::string> reasons;
    for (const auto& dead : test::run_on(world.io(), world.proactive->dead_letters().list({}, {}, 1000)).letters) {
      reasons.push_back(dead.reason);
    }
    return reasons;
  }
  std::size_t references() {
    std::size_t found = 0;
    for (int i = 0; i < 10; ++i) {
      const auto name = "c" + std::to_string(i);
      const auto reference = test::run_on(world.io(), world.proactive->find_reference("emulator", "user-1", name));
      found += reference ? 1 : 0;
    }
    return found;
  }

  BotWorld world{test::message_bot([](TurnContext&) -> awaitable<void> { co_return; })};
  std::function<void()> fails;
  std::set<std::string> arrived;
  int asked = 0;
};

class Outage : public OutagesTest, public ::testing::WithParamInterface<int> {};

TEST_P(Outage, OfAGatewayBuriesNothing) {
  schedule_ten();
  answer_all(GetParam(), ChannelError::By::stranger);
  world.pass(15s);
  EXPECT_THAT(arrived, IsEmpty());
  fails = nullptr;
  world.pass(90s);
  EXPECT_EQ(arrived.size(), 10U);
  EXPECT_THAT(dead_reasons(), IsEmpty());
  EXPECT_EQ(references(), 10U);
  EXPECT_THAT(world.metrics.expose(), testing::Not(HasSubstr("tern_bot_pauses_total 0\n")));
}

TEST_P(Outage, OfAGatewayBuriesNotTheOneSendThatMeetsIt) {
  schedule("c0");
  answer_all(GetParam(), ChannelError::By::stranger);
  world.pass(60s);
  fails = nullptr;
  world.pass(600s, 100ms);
  EXPECT_EQ(arrived.size(), 1U);
  EXPECT_THAT(dead_reasons(), IsEmpty());
}

// It does not go on to hammer what cannot answer.
TEST_P(Outage, OfAnHourIsAskedNowAndThen) {
  schedule_ten();
  answer_all(GetParam(), ChannelError::By::stranger);
  world.pass(3600s, 100ms);
  EXPECT_LE(asked, 10 * 12 + 60 * 6);
  fails = nullptr;
  world.pass(3600s, 100ms);
  EXPECT_EQ(arrived.size(), 10U);
}

INSTANTIATE_TEST_SUITE_P(Statuses, Outage, ::testing::Values(302, 400, 403, 404, 410, 502, 503));

TEST_F(OutagesTest, AWrongRegionBuriesNothing) {
  schedule_ten();
  answer_all(400, ChannelError::By::channel, "BadArgument: wrong geo");
  world.pass(15s);
  fails = nullptr;
  world.pass(90s);
  EXPECT_EQ(arrived.size(), 10U);
  EXPECT_EQ(references(), 10U);
}

TEST_F(OutagesTest, MostSendsThatMayArriveOnceOnlyAreKeptFromAFailingProxy) {
  schedule_ten(SendOptions().at_most_once());
  for (int i = 10; i < 40; ++i) {
    schedule("c" + std::to_string(i), SendOptions().at_most_once());
  }
  answer_all(503, ChannelError::By::stranger);
  world.pass(15s);
  fails = nullptr;
  world.pass(90s);
  EXPECT_EQ(arrived.size() + dead_reasons().size(), 40U);
}

TEST_F(OutagesTest, AConversationThatTheChannelSaysIsGoneIsDeadAtOnce) {
  for (const int status : {404, 410}) {
    schedule("c" + std::to_string(status - 404));
    answer_all(status, ChannelError::By::channel, "ConversationNotFound: no");
    world.pass(2s);
  }
  EXPECT_THAT(dead_reasons(), testing::ElementsAre("conversation_gone", "conversation_gone"));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(references(), 0U);
  EXPECT_THAT(world.metrics.expose(), HasSubstr("tern_dead_sends_total{reason=\"conversation_gone\"} 2\n"));
}

TEST_F(OutagesTest, AChannelThatSaysSoOfAllConversationsIsNotBelieved) {
  schedule_ten();
  answer_all(404, ChannelError::By::channel, "NotFound: no");
  world.pass(10s);
  EXPECT_LE(dead_reasons().size(), 2U) << "before several had said so";
  fails = nullptr;
  world.pass(120s);
  EXPECT_GE(arrived.size(), 8U);
  EXPECT_LE(dead_reasons().size(), 2U);
}

TEST_F(OutagesTest, WhatWasBuriedIsFoundAndSentAgainInOneCall) {
  schedule("c0");
  answer_all(413, ChannelError::By::stranger);
  world.pass(2s);
  const auto began = world.clock.wall_now();
  for (int i = 1; i < 10; ++i) {
    schedule("c" + std::to_string(i));
    answer_all(404, ChannelError::By::channel, "NotFound: no");
    world.pass(32s, 50ms);
    fails = nullptr;
    schedule("healthy " + std::to_string(i));
    world.pass(2s);
  }
  ASSERT_EQ(dead_reasons().size(), 10U);
  ASSERT_EQ(references(), 1U);
  DeadFilter filter;
  filter.reason = "conversation_gone";
  filter.since = began;
  std::size_t listed = 0;
  std::string after;
  do {
    const auto page = test::run_on(world.io(), world.proactive->dead_letters().list(filter, after, 2));
    listed += page.letters.size();
    after = page.next;
  } while (!after.empty());
  EXPECT_EQ(listed, 9U);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->dead_letters().redrive_all(filter)), 9U);
  world.pass(2s);
  EXPECT_EQ(arrived.size(), 18U);
  EXPECT_EQ(references(), 10U) << "their users are found again";
  EXPECT_THAT(dead_reasons(), testing::ElementsAre("rejected with 413"));
}

TEST_F(OutagesTest, AnAbsurdRetryAfterHoldsTheConversationForAnHourAtMost) {
  fails = [] { throw ChannelError(429, "", std::chrono::seconds(1'764'331'200)); };
  schedule("c0");
  world.pass(2s);
  fails = nullptr;
  schedule("c0");
  world.pass(61min, 100ms);
  EXPECT_EQ(arrived.size(), 1U);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->counts()).pending, 0U);
}

}  // namespace
}  // namespace tern
