#include "auth/token_schedule.hpp"

#include <gtest/gtest.h>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using Answer = TokenSchedule::Answer;

/// A schedule and a time that the test moves.
class TokenScheduleTest : public testing::Test {
 protected:
  /// Asks, and expects both parts of the answer.
  void expect(Answer answer, bool request, const char* when) {
    const auto step = schedule.ask(now);
    EXPECT_EQ(step.answer, answer) << when;
    EXPECT_EQ(step.request, request) << when;
  }
  void succeed(SteadyTime::duration lifetime = 1h, std::optional<SteadyTime::duration> renew_in = {}) {
    schedule.succeeded(now, lifetime, renew_in);
  }
  void fail(double random = 0, std::optional<SteadyTime::duration> retry_after = {}) {
    schedule.failed(now, retry_after, random);
  }

  SteadyTime now{1h};
  TokenSchedule schedule{TokenTimes{}};
};

TEST_F(TokenScheduleTest, TheFirstSendAsksAndOthersWaitForIt) {
  expect(Answer::wait, true, "the first");
  expect(Answer::wait, false, "the second");
  EXPECT_TRUE(schedule.requesting());
  succeed();
  EXPECT_FALSE(schedule.requesting());
  EXPECT_EQ(schedule.after_request(now), Answer::use);
  expect(Answer::use, false, "later");
}

TEST_F(TokenScheduleTest, ATokenIsRenewedFiveMinutesBeforeItExpiresWhileItServes) {
  expect(Answer::wait, true, "first");
  succeed();
  now += 55min - 1ms;
  expect(Answer::use, false, "before");
  now += 1ms;
  expect(Answer::use, true, "five minutes before the end");
  expect(Answer::use, false, "while it is renewed");
  now += 5min;
  expect(Answer::wait, false, "at its end, while the request is under way");
}

TEST_F(TokenScheduleTest, ATokenOfShortLifeIsRenewedAfterHalfOfIt) {
  expect(Answer::wait, true, "first");
  succeed(4min);
  now += 2min - 1ms;
  expect(Answer::use, false, "before");
  now += 1ms;
  expect(Answer::use, true, "half");
}

TEST_F(TokenScheduleTest, TheServiceMayWantARenewalEarlierAndNotLater) {
  expect(Answer::wait, true, "first");
  succeed(24h, 12h);
  now += 12h;
  expect(Answer::use, true, "when the service wants it");
  succeed(1h, 2h);
  now += 55min;
  expect(Answer::use, true, "not later than five minutes before the end");
  succeed(1h, 0s);
  now += 54min;
  expect(Answer::use, false, "zero says nothing");
}

TEST_F(TokenScheduleTest, TheOldTokenServesWhileRenewalsFailAndTriesArePausedTwiceAsLong) {
  expect(Answer::wait, true, "first");
  succeed();
  now += 55min;
  expect(Answer::use, true, "due");
  fail();
  expect(Answer::use, false, "in the pause of 1 s");
  now += 1s;
  expect(Answer::use, true, "after it");
  fail();
  now += 2s - 1ms;
  expect(Answer::use, false, "in the pause of 2 s");
  now += 1ms;
  expect(Answer::use, true, "after it");
  fail();
  now += 5min;
  expect(Answer::wait, true, "expired: there is none");
  fail();
  EXPECT_EQ(schedule.after_request(now), Answer::fail);
  expect(Answer::fail, false, "no token, and a pause");
}

TEST_F(TokenScheduleTest, PausesHaveABoundAndAreShortenedAtRandomByAHalfAtMost) {
  for (int i = 0; i < 40; ++i) {
    expect(Answer::wait, true, "each try");
    fail();
    now += 2min;
  }
  expect(Answer::wait, true, "again");
  fail(0.999);
  now += 1min - 1s;
  expect(Answer::fail, false, "half of the longest pause has not passed");
  now += 2s;
  expect(Answer::wait, true, "it has");
}

TEST_F(TokenScheduleTest, ARetryAfterIsKeptToUpToFiveMinutes) {
  expect(Answer::wait, true, "first");
  fail(0, 30s);
  now += 29s;
  expect(Answer::fail, false, "not before the Retry-After");
  now += 1s;
  expect(Answer::wait, true, "then");
  fail(0, 24h);
  now += 5min;
  expect(Answer::wait, true, "a longer one counts as five minutes");
}

TEST_F(TokenScheduleTest, ARefusedTokenLeadsToOneRequestThatSendsWaitFor) {
  expect(Answer::wait, true, "first");
  succeed();
  now += 10min;
  EXPECT_TRUE(schedule.refuse(now));
  EXPECT_TRUE(schedule.refuse(now)) << "another send was refused with the same token";
  expect(Answer::wait, true, "a new one is asked for");
  EXPECT_TRUE(schedule.refuse(now));
  expect(Answer::wait, false, "once");
  succeed();
  expect(Answer::use, false, "the new one");
}

TEST_F(TokenScheduleTest, ASecondRefusalWithinAMinuteIsNotTheTokensFault) {
  expect(Answer::wait, true, "first");
  succeed();
  EXPECT_TRUE(schedule.refuse(now));
  expect(Answer::wait, true, "a new one");
  succeed();
  now += 1min - 1ms;
  EXPECT_FALSE(schedule.refuse(now));
  expect(Answer::use, false, "it serves on");
  now += 1ms;
  EXPECT_TRUE(schedule.refuse(now));
  expect(Answer::wait, true, "after a minute it may be");
}

TEST_F(TokenScheduleTest, ARefusedTokenServesWhileNoOtherCanBeGot) {
  expect(Answer::wait, true, "first");
  succeed();
  EXPECT_TRUE(schedule.refuse(now));
  expect(Answer::wait, true, "a new one");
  fail();
  EXPECT_EQ(schedule.after_request(now), Answer::use);
  expect(Answer::use, false, "in the pause");
  now += 1s;
  expect(Answer::wait, true, "after it");
  succeed();
  expect(Answer::use, false, "the new one");
}

}  // namespace
}  // namespace tern::auth
