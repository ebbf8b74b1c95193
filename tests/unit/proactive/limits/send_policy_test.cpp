#include "proactive/limits/send_policy.hpp"

#include <tern/turn/channel_sender.hpp>
#include <tern/turn/credential_provider.hpp>

#include <boost/asio/error.hpp>

#include <gtest/gtest.h>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using Kind = Verdict::Kind;

Verdict status(int code, std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  return SendPolicy().judge_alone(std::make_exception_ptr(ChannelError(code, "said so", retry_after)), 1, 0s, 0.5);
}

Verdict failure(errc code) {
  return SendPolicy().judge_alone(std::make_exception_ptr(system_error(make_error_code(code), "x")), 1, 0s, 0.5);
}

TEST(SendPolicy, TellsReplaySafeFromAmbiguousFromFinal) {
  EXPECT_EQ(status(429).kind, Kind::retry);
  EXPECT_FALSE(status(429).ambiguous);
  for (const int code : {408, 412, 500, 502, 503, 504}) {
    EXPECT_EQ(status(code).kind, Kind::retry) << code;
    EXPECT_TRUE(status(code).ambiguous) << code;
  }
  EXPECT_EQ(failure(errc::channel_unreachable).kind, Kind::retry);
  EXPECT_FALSE(failure(errc::channel_unreachable).ambiguous);
  EXPECT_TRUE(
      SendPolicy()
          .judge_alone(std::make_exception_ptr(AmbiguousSend(make_error_code(errc::timed_out), "x")), 1, 0s, 0.5)
          .ambiguous);
  for (const int code : {400, 405, 413}) {
    EXPECT_EQ(status(code).kind, Kind::dead) << code;
  }
  EXPECT_EQ(status(403).reason, "conversation_gone");
  EXPECT_EQ(status(404).reason, "conversation_gone");
  EXPECT_EQ(status(410).reason, "conversation_gone");
  EXPECT_EQ(failure(errc::service_url_refused).kind, Kind::dead);
  EXPECT_EQ(failure(errc::unknown_continuation).kind, Kind::dead);
}

// Whoever owns the name may mend it; and the reason names the address and what to do.
TEST(SendPolicy, TriesAgainWhereANameLeadsToAnAddressThatIsNotAllowed) {
  const auto verdict = failure(errc::address_refused);
  EXPECT_EQ(verdict.kind, Kind::retry);
  EXPECT_FALSE(verdict.ambiguous);
  EXPECT_EQ(verdict.reason, "x");
}

TEST(SendPolicy, TellsWhomARefusalMayMean) {
  using Refusal = Verdict::Refusal;
  EXPECT_EQ(status(401).refusal, Refusal::unauthorized);
  EXPECT_EQ(status(403).refusal, Refusal::barred);
  EXPECT_EQ(status(429, 3s).refusal, Refusal::throttled);
  EXPECT_EQ(status(429, 3s).retry_after, 3s);
  EXPECT_EQ(status(404).refusal, Refusal::gone);
  EXPECT_EQ(status(410).refusal, Refusal::gone);
  for (const int code : {400, 500, 503}) {
    EXPECT_EQ(status(code).refusal, Refusal::none) << code;
  }
}

TEST(SendPolicy, ASendWithoutATokenWasNotSentAndWrongCredentialsMeanTheBot) {
  const auto without = [](NoToken::Why why, std::uint32_t attempt = 1, WallTime::duration late = 0s) {
    return SendPolicy().judge_alone(std::make_exception_ptr(NoToken(why, "AADSTS7000215")), attempt, late, 0.5);
  };
  for (const auto why : {NoToken::Why::unavailable, NoToken::Why::refused}) {
    const auto verdict = without(why);
    EXPECT_EQ(verdict.kind, Kind::retry);
    EXPECT_FALSE(verdict.ambiguous);
    EXPECT_EQ(verdict.reason, "AADSTS7000215");
    EXPECT_EQ(without(why, 100, 25h).kind, Kind::dead) << "after a day of tries";
  }
  EXPECT_EQ(without(NoToken::Why::unavailable).refusal, Verdict::Refusal::none) << "an outage";
  EXPECT_EQ(without(NoToken::Why::refused).refusal, Verdict::Refusal::unauthorized);
}

Verdict strange(int code, std::uint32_t number = 1, WallTime::duration late = 0s) {
  const auto error = std::make_exception_ptr(ChannelError(code, "", std::nullopt, "", ChannelError::By::stranger));
  return SendPolicy().judge_alone(error, number, late, 0.5);
}

TEST(SendPolicy, TellsWhatDidNotReachTheChannel) {
  using Refusal = Verdict::Refusal;
  for (const int code : {302, 307, 400, 403, 404, 405, 407, 410, 421, 451}) {
    EXPECT_EQ(strange(code).kind, Kind::retry) << code;
    EXPECT_EQ(strange(code).refusal, Refusal::astray) << code;
    EXPECT_FALSE(strange(code).ambiguous) << code;
  }
  for (const int code : {502, 503, 504, 521}) {
    EXPECT_EQ(strange(code).refusal, Refusal::astray) << code;
    EXPECT_TRUE(strange(code).ambiguous) << code;
  }
  EXPECT_EQ(strange(413).kind, Kind::dead) << "it is about this message";
  EXPECT_EQ(strange(401).refusal, Refusal::unauthorized);
  EXPECT_EQ(strange(429).refusal, Refusal::throttled);
}

TEST(SendPolicy, TakesAWrongRegionForTheWay) {
  const auto said = [](const char* text) {
    return SendPolicy().judge_alone(std::make_exception_ptr(ChannelError(400, "BadArgument", std::nullopt, text)), 1,
                                    0s, 0.5);
  };
  EXPECT_EQ(said("BadArgument: wrong geo").refusal, Verdict::Refusal::astray);
  EXPECT_EQ(said("ServiceError: Wrong Geo").kind, Kind::retry);
  EXPECT_EQ(said("BadArgument: George is not here").kind, Kind::dead);
  EXPECT_EQ(said("BadSyntax: no text").kind, Kind::dead);
}

// There are channels that say so that a conversation is gone.
TEST(SendPolicy, GivesUpWhatNeverReachesTheChannel) {
  EXPECT_EQ(strange(404, 30, 59min).kind, Kind::retry);
  EXPECT_EQ(strange(404, 11, 5h).kind, Kind::retry) << "the bot may have been away itself";
  EXPECT_EQ(strange(404, 12, 1h).kind, Kind::dead);
  EXPECT_EQ(strange(404, 12, 1h).reason, "conversation_gone");
  EXPECT_EQ(strange(405, 12, 1h).reason, "rejected with 405");
  EXPECT_EQ(strange(503, 12, 1h).kind, Kind::retry);
}

TEST(SendPolicy, BoundsWhatARetryAfterAsksFor) {
  SendPolicy policy;
  policy.longest_retry_after = 1h;
  for (const auto asked : {std::chrono::milliseconds(1764331200s), std::chrono::milliseconds::max(), 3601'000ms}) {
    const auto verdict = policy.judge_alone(std::make_exception_ptr(ChannelError(429, "", asked)), 1, 0s, 0.5);
    EXPECT_EQ(verdict.retry_after, 1h);
    EXPECT_LE(verdict.delay, 1h + 1s);
  }
  EXPECT_EQ(policy.judge_alone(std::make_exception_ptr(ChannelError(429, "", -5s)), 1, 0s, 0.5).retry_after, 0s);
}

TEST(SendPolicy, NeverTriesInsideARetryAfter) {
  for (const double random : {0.0, 0.5, 0.99}) {
    const auto verdict =
        SendPolicy().judge_alone(std::make_exception_ptr(ChannelError(429, "slow down", 7s)), 1, 0s, random);
    EXPECT_GT(verdict.delay, 7s);
  }
}

TEST(SendPolicy, WaitsLongerEachTimeUpToABoundWithFullJitter) {
  const SendPolicy policy;
  const auto error = std::make_exception_ptr(system_error(make_error_code(errc::channel_unreachable), "x"));
  EXPECT_LE(policy.judge_alone(error, 1, 0s, 0.999).delay, 1s);
  EXPECT_GT(policy.judge_alone(error, 3, 0s, 0.999).delay, 3s);
  EXPECT_LE(policy.judge_alone(error, 40, 0s, 0.999).delay, policy.longest_delay);
  EXPECT_LT(policy.judge_alone(error, 11, 0s, 0.0).delay, 10ms);
}

// A channel that is away for hours is no reason to break a promise.
TEST(SendPolicy, GivesUpByAgeAndNotByTheNumberOfAttempts) {
  const SendPolicy policy;
  for (const auto& error : {std::make_exception_ptr(system_error(make_error_code(errc::channel_unreachable), "x")),
                            std::make_exception_ptr(ChannelError(503, "busy", std::nullopt)),
                            std::make_exception_ptr(ChannelError(429, "slow down", std::nullopt))}) {
    EXPECT_EQ(policy.judge_alone(error, 300, 23h, 0.5).kind, Kind::retry);
    EXPECT_EQ(policy.judge_alone(error, 2, 100h, 0.5).kind, Kind::retry);
    EXPECT_EQ(policy.judge_alone(error, 12, 24h, 0.5).kind, Kind::dead);
  }
}

// Each attempt that may arrive may be one message more.
TEST(SendPolicy, TriesWhatMayHaveArrivedLessOften) {
  const SendPolicy policy;
  const auto error = std::make_exception_ptr(ChannelError(503, "busy", std::nullopt));
  EXPECT_GT(policy.judge_alone(error, 12, 1h, 0.999).delay, policy.longest_delay);
  EXPECT_LE(policy.judge_alone(error, 40, 1h, 0.999).delay, policy.longest_ambiguous_delay);
}

// A channel that answers after the time-out: each attempt is a message.
TEST(SendPolicy, WaitsLongerEachTimeFromTheSecondAttemptThatMayHaveArrived) {
  const SendPolicy policy;
  const auto late = std::make_exception_ptr(AmbiguousSend(make_error_code(errc::timed_out), "x"));
  const auto delay = [&](std::uint32_t number, double random) {
    return policy.judge_alone(late, number, 0s, random).delay;
  };
  EXPECT_LE(delay(1, 0.999), 1s);
  EXPECT_GE(delay(2, 0.0), 10s);
  for (std::uint32_t number = 2; number < 6; ++number) {
    EXPECT_GT(delay(number, 0.0), delay(number - 1, 0.999)) << number;
  }
  EXPECT_GE(delay(30, 0.0), 30min);
}

TEST(SendPolicy, LeavesASendAloneWhenTheProcessEnds) {
  EXPECT_EQ(failure(errc::shutting_down).kind, Kind::leave);
}

// A bot's own code may be cut while the process lives on: what it did is then not known, and it must not be forgotten.
TEST(SendPolicy, TriesAgainWhatWasCut) {
  const auto cut = std::make_exception_ptr(system_error(error_code(asio::error::operation_aborted)));
  EXPECT_EQ(SendPolicy().judge_alone(cut, 1, 0s, 0.5).kind, Kind::retry);
  EXPECT_TRUE(SendPolicy().judge_alone(cut, 1, 0s, 0.5).ambiguous);
}

}  // namespace
}  // namespace tern::proactive
