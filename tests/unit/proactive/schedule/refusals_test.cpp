// Channels that refuse: users who have blocked the bot, conversations that are gone, a secret that is wrong. On a
// manual clock, from the bot's call to the channel.
#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using testing::IsEmpty;

runtime::Runtime::MakeBot silent_bot() {
  return test::message_bot([](TurnContext&) -> awaitable<void> { co_return; });
}

class RefusalsTest : public ::testing::Test {
 protected:
  RefusalsTest() {
    world.sender.takes = 30ms;
    world.sender.judge = [this](const Activity& activity) { judge(std::string(*activity.conversation_id())); };
  }

  SendHandle schedule(const std::string& conversation, std::chrono::milliseconds delay) {
    due[conversation] = world.clock.now() + delay;
    return test::run_on(world.io(), world.proactive->send_after(world.message("x", conversation).reference(), delay,
                                                                Activity::message("x"), {}));
  }
  CancelOutcome cancel(const SendHandle& handle) { return test::run_on(world.io(), world.proactive->cancel(handle)); }
  SendCounts counts() { return test::run_on(world.io(), world.proactive->counts()); }
  std::vector<std::string> dead_reasons() {
    std::vector<std::string> reasons;
    for (const auto& dead : test::run_on(world.io(), world.proactive->dead_letters().list({}, {}, 1000)).letters) {
      reasons.push_back(dead.reason);
    }
    return reasons;
  }

  void judge(const std::string& conversation) {
    ++asked[conversation];
    if (status_of_all != 0) {
      throw ChannelError(status_of_all, "no", std::nullopt);
    }
    if (const auto status = status_of.find(conversation); status != status_of.end()) {
      throw ChannelError(status->second, "no", std::nullopt);
    }
    arrived[conversation] = world.clock.now();
  }

  BotWorld world{silent_bot()};
  int status_of_all = 0;
  std::map<std::string, int> status_of;
  std::map<std::string, SteadyTime> due;
  std::map<std::string, SteadyTime> arrived;
  std::map<std::string, int> asked;
};

TEST_F(RefusalsTest, FiveUsersWhoHaveLeftDoNotHoldBackTheOthers) {
  for (int i = 0; i < 6; ++i) {
    const auto name = "gone " + std::to_string(i);
    status_of[name] = 403;
    schedule(name, 1s + i * 2s);
  }
  schedule("healthy", 6s);
  schedule("later", 14s);
  world.pass(15s);
  EXPECT_EQ(arrived.size(), 2U);
  EXPECT_LE(arrived["later"] - due["later"], 100ms);
  world.pass(60s, 50ms);
  EXPECT_THAT(dead_reasons(), testing::AllOf(testing::SizeIs(6), testing::Each("conversation_gone")));
}

// The figures of a bot that many have blocked: 570 recipients, 20 a second.
TEST_F(RefusalsTest, WhenFourInTenHaveBlockedTheBotTheOthersHaveTheirMessageInTime) {
  std::size_t healthy = 0;
  for (int i = 0; i < 570; ++i) {
    const auto name = std::to_string(i);
    if ((i * 7919) % 1000 / 100 < 4) {
      status_of[name] = 403;
    } else {
      ++healthy;
    }
    schedule(name, 1s + i * 50ms);
  }
  ASSERT_GT(healthy, 330U);
  world.pass(40s, 10ms);
  EXPECT_EQ(arrived.size(), healthy);
  SteadyTime::duration latest{};
  for (const auto& [name, at] : arrived) {
    latest = std::max(latest, at - due[name]);
  }
  EXPECT_LE(latest, 15s);
  world.pass(180s, 50ms);
  EXPECT_EQ(counts().pending, 0U);
  EXPECT_EQ(counts().dead, 570 - healthy);
}

TEST_F(RefusalsTest, NineInTenAreNoReasonToPauseEither) {
  std::size_t healthy = 0;
  for (int i = 0; i < 400; ++i) {
    const auto name = std::to_string(i);
    if ((i * 7919) % 1000 / 100 < 9) {
      status_of[name] = 403;
    } else {
      ++healthy;
    }
    schedule(name, 1s + i * 50ms);
  }
  world.pass(120s, 10ms);
  EXPECT_EQ(arrived.size(), healthy);
}

TEST_F(RefusalsTest, A401PausesTheBotAtOnceAndBuriesNothing) {
  status_of_all = 401;
  schedule("first", 1s);
  world.pass(2s);
  for (int i = 0; i < 20; ++i) {
    schedule(std::to_string(i), 1s);
  }
  world.pass(50s);
  EXPECT_EQ(asked.size(), 1U) << "no other was tried";
  world.pass(60s);
  EXPECT_LE(asked.size(), 2U) << "after the pause one is";
  status_of_all = 0;
  world.pass(180s);
  EXPECT_EQ(arrived.size(), 21U);
  EXPECT_EQ(counts().dead, 0U);
}

// It was under way before the pause, and it says that the bot is served.
TEST_F(RefusalsTest, ASuccessLiftsThePauseAtOnce) {
  world.sender.takes = 4s;
  schedule("slow", 1s);
  world.pass(1s);
  world.sender.takes = 20ms;
  status_of["bad"] = 401;
  schedule("bad", 1s);
  world.pass(1500ms);
  schedule("held", 0s);
  world.pass(200ms);
  EXPECT_THAT(arrived, IsEmpty());
  world.pass(1s);
  status_of.clear();
  ASSERT_EQ(arrived.count("slow"), 1U);
  schedule("new", 0s);
  world.pass(100ms);
  EXPECT_EQ(arrived.count("new"), 1U);
  world.pass(12s);
  EXPECT_EQ(arrived.count("held"), 1U);
}

// The first that is tried after a pause has blocked the bot: another is tried.
TEST_F(RefusalsTest, AProbeThatMeetsABlockedUserDoesNotLengthenThePause) {
  status_of_all = 401;
  schedule("first", 1s);
  world.pass(2s);
  for (int i = 0; i < 3; ++i) {
    status_of["blocked " + std::to_string(i)] = 403;
    schedule("blocked " + std::to_string(i), 0s);
    world.pass(100ms);
  }
  schedule("healthy", 0s);
  world.pass(1s);
  status_of_all = 0;
  world.pass(75s);
  EXPECT_EQ(arrived.size(), 2U);
  world.pass(60s);
  EXPECT_EQ(counts().dead, 3U);
}

// What was refused while the secret was wrong is tried again, not judged.
TEST_F(RefusalsTest, WhatWasRefusedWithTheBotIsNotGone) {
  status_of_all = 403;
  for (int i = 0; i < 8; ++i) {
    schedule(std::to_string(i), 1s + i * 100ms);
  }
  world.pass(3s);
  status_of_all = 0;
  world.pass(120s, 50ms);
  EXPECT_EQ(arrived.size(), 8U);
  EXPECT_EQ(counts().dead, 0U);
}

TEST_F(RefusalsTest, WhatWaitsForAPausedBotCanBeCancelled) {
  status_of_all = 401;
  schedule("first", 1s);
  world.pass(2s);
  std::vector<SendHandle> handles;
  for (int i = 0; i < 200; ++i) {
    handles.push_back(schedule(std::to_string(i), i * 20ms));
  }
  for (int i = 0; i < 200; ++i) {
    world.pass(170ms);
    EXPECT_EQ(cancel(handles[static_cast<std::size_t>(i)]), CancelOutcome::cancelled) << i;
  }
  status_of_all = 0;
  world.pass(300s, 50ms);
  EXPECT_EQ(arrived.size(), 1U);
  EXPECT_EQ(counts().pending, 0U);
}

TEST_F(RefusalsTest, WhatWaitsToBeJudgedCanBeCancelled) {
  status_of["gone"] = 403;
  const auto handle = schedule("gone", 1s);
  world.pass(10s);
  EXPECT_EQ(asked["gone"], 1);
  EXPECT_EQ(cancel(handle), CancelOutcome::cancelled);
  world.pass(60s);
  EXPECT_EQ(asked["gone"], 1);
  EXPECT_THAT(dead_reasons(), IsEmpty());
}

TEST_F(RefusalsTest, WhatWaitsToBeJudgedCanBeMovedAndIsTriedAnew) {
  status_of["back"] = 403;
  const auto handle = schedule("back", 1s);
  world.pass(10s);
  status_of.clear();
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->send_now(handle)));
  world.pass(1s);
  EXPECT_EQ(arrived.count("back"), 1U);
  world.pass(60s);
  EXPECT_THAT(dead_reasons(), IsEmpty());
}

// Two thousand are refused at once, and half as many are remembered: the others are tried again, and judged then.
// What a long pause has gathered asks again when the bot is served again, however much it is.
TEST_F(RefusalsTest, WhatAPauseHasGatheredComesBackWhenItIsOver) {
  status_of_all = 401;
  for (int i = 0; i < 6'000; ++i) {
    schedule(std::to_string(i), 1s + i * 5ms);
  }
  world.pass(50s, 50ms);
  EXPECT_THAT(arrived, IsEmpty());
  status_of_all = 0;
  world.pass(60s, 50ms);
  EXPECT_EQ(arrived.size(), 6'000U);
  EXPECT_EQ(counts().pending, 0U);
}

/// Continuations that send a message and are then refused what they want to change.
TEST(RefusedContinuations, AreTriedLessAndLessAndEnd) {
  int asked = 0;
  BotWorld world([&asked] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_continue("change", [&asked](TurnContext&) -> awaitable<void> {
      ++asked;
      throw ChannelError(403, "no", std::nullopt);
      co_return;
    });
    return bot;
  });
  for (int i = 0; i < 8; ++i) {
    const auto reference = world.message("x", std::to_string(i)).reference();
    test::run_on(world.io(), world.proactive->continue_after(reference, 1s + i * 1s, "change", nullptr, {}));
  }
  world.pass(1h, 250ms);
  EXPECT_LE(asked, 8 * 16) << "the same message may reach a person each time";
  world.pass(36h, 5s);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->counts()).pending, 0U);
}

TEST_F(RefusalsTest, ABotThatIsNeverServedAgainGivesItsSendsUpWhenTheyAreADayLate) {
  status_of_all = 403;
  for (int i = 0; i < 8; ++i) {
    schedule(std::to_string(i), 1s + i * 1s);
  }
  world.pass(23h, 5s);
  EXPECT_GT(counts().pending, 0U);
  world.pass(12h, 5s);
  EXPECT_EQ(counts().pending, 0U);
}

TEST_F(RefusalsTest, HowManyAreRememberedIsBounded) {
  schedule("healthy", 0s);
  constexpr int many = 2'000;
  for (int i = 0; i < many; ++i) {
    status_of[std::to_string(i)] = 403;
    schedule(std::to_string(i), 1s + i * 20ms);
    schedule("healthy " + std::to_string(i), 1s + i * 100ms);
  }
  world.pass(240s, 20ms);
  EXPECT_EQ(counts().dead, static_cast<std::uint64_t>(many));
  const auto tried_again = std::count_if(asked.begin(), asked.end(), [](const auto& one) { return one.second > 1; });
  EXPECT_GT(tried_again, 300);
}

TEST_F(RefusalsTest, A410MeansThatTheConversationIsGone) {
  world.say("hello", "left");
  world.settle();
  const auto find = [&] {
    return test::run_on(world.io(), world.proactive->find_reference("emulator", "user-1", "left"));
  };
  ASSERT_TRUE(find());
  status_of["left"] = 410;
  schedule("left", 1s);
  world.pass(2s);
  EXPECT_THAT(dead_reasons(), testing::ElementsAre("conversation_gone"));
  EXPECT_FALSE(find());
}

}  // namespace
}  // namespace tern
