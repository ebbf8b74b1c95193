#include "auth/key_schedule.hpp"

#include <gtest/gtest.h>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using Answer = KeySchedule::Answer;

class KeyScheduleTest : public testing::Test {
 protected:
  /// A fetch has ended, and all keys that were asked for were there.
  void load() {
    schedule.ask(false, now);
    schedule.succeeded(now, false);
  }

  KeySchedule schedule{KeyTimes{}};
  SteadyTime now{1h};
};

TEST_F(KeyScheduleTest, FetchesForTheFirstTokenAndLetsTheOthersWait) {
  const auto first = schedule.ask(false, now);
  EXPECT_EQ(first.answer, Answer::wait);
  EXPECT_TRUE(first.fetch);
  EXPECT_TRUE(schedule.fetching());
  const auto second = schedule.ask(false, now);
  EXPECT_EQ(second.answer, Answer::wait);
  EXPECT_FALSE(second.fetch);
  schedule.succeeded(now, false);
  EXPECT_FALSE(schedule.fetching());
  EXPECT_EQ(schedule.after_fetch(true), Answer::use);
  EXPECT_EQ(schedule.after_fetch(false), Answer::unknown);
}

TEST_F(KeyScheduleTest, RefreshesKeysOfADayBehindTheTokens) {
  load();
  now += 24h - 1s;
  EXPECT_FALSE(schedule.ask(true, now).fetch);
  now += 1s;
  const auto step = schedule.ask(true, now);
  EXPECT_EQ(step.answer, Answer::use);
  EXPECT_TRUE(step.fetch);
  EXPECT_FALSE(schedule.ask(true, now).fetch);
  schedule.succeeded(now, false);
  EXPECT_FALSE(schedule.ask(true, now + 24h - 1s).fetch);
}

TEST_F(KeyScheduleTest, LetsTokensWaitForKeysThatNobodyHasUsedForTwoDays) {
  load();
  now += 48h;
  const auto step = schedule.ask(true, now);
  EXPECT_EQ(step.answer, Answer::wait);
  EXPECT_TRUE(step.fetch);
  EXPECT_EQ(schedule.ask(true, now).answer, Answer::wait);
  schedule.failed(now);
  EXPECT_EQ(schedule.after_fetch(true), Answer::use);
  EXPECT_EQ(schedule.ask(true, now).answer, Answer::use);
}

TEST_F(KeyScheduleTest, FetchesForAnUnknownKeyOnceAndThenOnceAnHour) {
  load();
  now += 1s;
  EXPECT_TRUE(schedule.ask(false, now).fetch);
  schedule.succeeded(now, true);
  for (int i = 0; i < 1000; ++i) {
    const auto step = schedule.ask(false, now + i * 3s);
    EXPECT_EQ(step.answer, Answer::later);
    EXPECT_EQ(step.later, 1h - i * 3s);
    EXPECT_FALSE(step.fetch);
  }
  EXPECT_EQ(schedule.ask(false, now + 1h - 1s).answer, Answer::later);
  EXPECT_TRUE(schedule.ask(false, now + 1h).fetch);
}

TEST_F(KeyScheduleTest, FetchesSoonAgainWhenTheNewKeyWasThere) {
  load();
  EXPECT_TRUE(schedule.ask(false, now).fetch);
  schedule.succeeded(now, false);
  EXPECT_TRUE(schedule.ask(false, now + 1s).fetch);
}

TEST_F(KeyScheduleTest, CountsTheFirstFetchAsThatForAnUnknownKey) {
  schedule.ask(false, now);
  schedule.succeeded(now, true);
  EXPECT_EQ(schedule.ask(false, now + 1s).answer, Answer::later);
}

TEST_F(KeyScheduleTest, PausesLongerAfterEachFailure) {
  for (const auto pause : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s}) {
    const auto step = schedule.ask(false, now);
    EXPECT_TRUE(step.fetch) << pause.count();
    schedule.failed(now);
    EXPECT_EQ(schedule.after_fetch(false), Answer::unavailable);
    EXPECT_EQ(schedule.ask(false, now).answer, Answer::unavailable);
    EXPECT_EQ(schedule.ask(false, now + pause - 1ms).answer, Answer::unavailable);
    now += pause;
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(schedule.ask(false, now).fetch);
    schedule.failed(now);
    now += 300s;
  }
}

TEST_F(KeyScheduleTest, UsesOldKeysForAsLongAsRefreshesFail) {
  load();
  now += 24h;
  EXPECT_TRUE(schedule.ask(true, now).fetch);
  schedule.failed(now);
  EXPECT_EQ(schedule.ask(true, now).answer, Answer::use);
  EXPECT_FALSE(schedule.ask(true, now).fetch);
  EXPECT_EQ(schedule.ask(false, now).answer, Answer::unavailable);
  now += 1s;
  const auto again = schedule.ask(true, now);
  EXPECT_EQ(again.answer, Answer::use);
  EXPECT_TRUE(again.fetch);
  schedule.failed(now);
  now += 1000h;
  EXPECT_TRUE(schedule.ask(true, now).fetch);
  schedule.failed(now);
  EXPECT_EQ(schedule.ask(true, now).answer, Answer::use);
}

TEST_F(KeyScheduleTest, ForgetsFailuresAfterASuccess) {
  for (int i = 0; i < 5; ++i) {
    schedule.ask(false, now);
    schedule.failed(now);
    now += 300s;
  }
  load();
  schedule.ask(false, now);
  schedule.failed(now);
  EXPECT_TRUE(schedule.ask(false, now + 1s).fetch);
}

}  // namespace
}  // namespace tern::auth
