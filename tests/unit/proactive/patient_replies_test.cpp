// What a reply of a turn is promised when its channel has limits or is away for a moment. On a manual clock, from the
// handler to the channel.
#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> one_to_ten{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"};

runtime::Runtime::MakeBot counting_bot(int last = 10) {
  return test::message_bot([last](TurnContext& turn) -> awaitable<void> {
    for (int i = 1; i <= last; ++i) {
      co_await turn.send(std::to_string(i));
    }
  });
}

class PatientReplies : public ::testing::Test {
 protected:
  explicit PatientReplies(proactive::SendLimits limits = proactive::SendLimits())
      : world(counting_bot(), runtime::RuntimeOptions(), true, proactive::SchedulerOptions(),
              std::make_shared<test::StorageFaults>(), std::move(limits)) {
    world.sender.judge = [this](const Activity& activity) {
      const std::string text(activity.text());
      asked.push_back(text);
      if (fails && fails(text)) {
        std::rethrow_exception(error);
      }
      arrived.push_back(text);
      at.push_back(world.clock.now());
    };
  }
  // The eighth is refused so often.
  void refuse_eighth(std::exception_ptr with, int times = 1) {
    error = std::move(with);
    fails = [times](const std::string& text) mutable { return text == "8" && times-- > 0; };
  }
  int status(const std::shared_ptr<BotWorld::Reply>& reply) { return reply->reply ? reply->status() : 0; }

  std::exception_ptr error;
  std::function<bool(const std::string&)> fails;
  std::vector<std::string> asked;
  std::vector<std::string> arrived;
  std::vector<SteadyTime> at;
  BotWorld world;
};

std::exception_ptr refused(int code, std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  return std::make_exception_ptr(ChannelError(code, "no", retry_after));
}

std::exception_ptr failed(errc code) {
  return std::make_exception_ptr(system_error(make_error_code(code), "nothing was sent"));
}

TEST_F(PatientReplies, TheEighthOfTenThatIsThrottledOnceArrivesInItsPlace) {
  refuse_eighth(refused(429, 2s));
  const auto begun = world.clock.now();
  auto reply = world.say("go");
  EXPECT_EQ(status(reply), 0) << "the turn goes on";
  world.pass(1900ms);
  EXPECT_EQ(arrived.size(), 7U) << "not within its Retry-After";
  world.pass(1s);
  EXPECT_EQ(arrived, one_to_ten);
  EXPECT_EQ(asked.size(), 11U);
  EXPECT_EQ(status(reply), 200);
  EXPECT_GE(at[7] - begun, 2s);
  EXPECT_THAT(world.metrics.expose(), HasSubstr("tern_reply_retries_total 1\n"));
  EXPECT_THAT(world.metrics.expose(), HasSubstr("tern_429_total{scope=\"conversation\"} 1\n"));
}

TEST_F(PatientReplies, WithoutARetryAfterOneIsTriedAgainInAMoment) {
  refuse_eighth(refused(429), 3);
  auto reply = world.say("go");
  world.pass(10s);
  EXPECT_EQ(arrived, one_to_ten);
  EXPECT_EQ(asked.size(), 13U);
  EXPECT_EQ(status(reply), 200);
}

TEST_F(PatientReplies, WhatWasNotConnectedIsTriedAgain) {
  for (const auto code : {errc::channel_unreachable, errc::timed_out, errc::overloaded}) {
    arrived.clear();
    refuse_eighth(failed(code), 2);
    auto reply = world.say("go");
    world.pass(5s);
    EXPECT_EQ(arrived, one_to_ten);
    EXPECT_EQ(status(reply), 200);
  }
}

TEST_F(PatientReplies, AChannelThatStaysAwayFailsTheTurnSoon) {
  refuse_eighth(failed(errc::channel_unreachable), 1'000);
  auto reply = world.say("go");
  world.pass(9s);
  EXPECT_EQ(status(reply), 500);
  EXPECT_EQ(asked.size(), 7U + 4U);
}

TEST_F(PatientReplies, WhatMayHaveArrivedIsNotTriedAgain) {
  for (const auto& error :
       {refused(503), refused(408), refused(500, 1s),
        std::make_exception_ptr(AmbiguousSend(make_error_code(errc::timed_out), "it was written"))}) {
    asked.clear();
    refuse_eighth(error, 1'000);
    auto reply = world.say("go");
    world.pass(1s);
    EXPECT_EQ(status(reply), 500);
    EXPECT_EQ(asked.size(), 8U);
  }
}

TEST_F(PatientReplies, ARefusalIsNotTriedAgain) {
  for (const int code : {400, 401, 403, 404, 413}) {
    asked.clear();
    refuse_eighth(refused(code), 1'000);
    auto reply = world.say("go");
    world.pass(1s);
    EXPECT_EQ(status(reply), 500) << code;
    EXPECT_EQ(asked.size(), 8U) << code;
  }
}

TEST_F(PatientReplies, ARetryAfterForWhichThereIsNoTimeFailsAtOnce) {
  refuse_eighth(refused(429, 61s), 1'000);
  auto reply = world.say("go");
  world.pass(100ms);
  EXPECT_EQ(status(reply), 500);
  EXPECT_EQ(asked.size(), 8U);
}

TEST_F(PatientReplies, ATurnThatWaitsIsAcknowledgedAndGoesOn) {
  refuse_eighth(refused(429, 30s));
  auto reply = world.say("go");
  world.pass(11s);
  EXPECT_EQ(status(reply), 202);
  world.pass(21s);
  EXPECT_EQ(arrived, one_to_ten);
}

TEST_F(PatientReplies, ScheduledSendsOfTheConversationWaitForTheSameRetryAfter) {
  refuse_eighth(refused(429, 5s));
  world.say("go");
  const auto reference = world.message("x").reference();
  test::run_on(world.io(), world.proactive->send_after(reference, 100ms, Activity::message("later"), {}));
  world.pass(4900ms);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "later"), 0);
  world.pass(3s);
  EXPECT_EQ(std::count(arrived.begin(), arrived.end(), "later"), 1);
}

TEST_F(PatientReplies, AReplyThatArrivesLiftsThePauseOfItsBot) {
  error = refused(401);
  fails = [](const std::string& text) { return text == "scheduled"; };
  const auto reference = world.message("x", "other").reference();
  test::run_on(world.io(), world.proactive->send_after(reference, 10ms, Activity::message("scheduled"), {}));
  world.pass(1s);
  fails = nullptr;
  world.say("go");
  world.pass(1s);
  EXPECT_EQ(arrived, one_to_ten) << "a paused bot answers all the same";
  world.pass(10s);
  EXPECT_EQ(arrived.size(), 11U) << "and what waited goes, long before the pause would have ended";
}

class WindowedReplies : public PatientReplies {
 protected:
  static proactive::SendLimits windows() {
    proactive::SendLimits limits;
    limits.channels["emulator"] = *proactive::ChannelLimits::parse("conversation=7/1s,8/2s");
    return limits;
  }
  WindowedReplies() : PatientReplies(windows()) {}
};

TEST_F(WindowedReplies, KeepToTheWindowsOfTheirChannel) {
  auto reply = world.say("go");
  EXPECT_EQ(arrived.size(), 7U);
  world.pass(990ms);
  EXPECT_EQ(arrived.size(), 7U);
  world.pass(2s);
  EXPECT_EQ(arrived, one_to_ten);
  EXPECT_EQ(status(reply), 200);
  EXPECT_EQ(asked.size(), 10U) << "none had to be refused";
}

TEST_F(WindowedReplies, ShareTheWindowsWithScheduledSends) {
  const auto reference = world.message("x").reference();
  for (int i = 0; i < 5; ++i) {
    test::run_on(world.io(), world.proactive->send_after(reference, 0ms, Activity::message("s"), {}));
  }
  world.pass(100ms);
  world.say("go");
  EXPECT_EQ(arrived.size(), 7U);
  world.pass(6s);
  EXPECT_EQ(arrived.size(), 15U);
}

TEST_F(WindowedReplies, OfOtherConversationsDoNotWait) {
  world.say("go", "one");
  world.say("go", "two");
  EXPECT_EQ(arrived.size(), 14U);
}

TEST(RepliesOfATurn, UpdatesAndDeletesAreTriedAgainAsWell) {
  BotWorld world(test::message_bot([](TurnContext& turn) -> awaitable<void> {
    auto activity = Activity::message("new");
    activity.set_id("a-1");
    co_await turn.update(std::move(activity));
    co_await turn.remove("a-2");
  }));
  world.sender.failures.push_back(std::make_exception_ptr(ChannelError(429, "no", 1s)));
  auto reply = world.say("go");
  world.pass(3s);
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ(reply->status(), 200);
  ASSERT_EQ(world.sender.calls.size(), 3U);
  EXPECT_EQ(world.sender.calls[1].op, "update");
  EXPECT_EQ(world.sender.calls[2].op, "remove");
}

}  // namespace
}  // namespace tern
