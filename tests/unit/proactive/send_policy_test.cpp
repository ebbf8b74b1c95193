#include "proactive/send_policy.hpp"

#include <tern/turn/channel_sender.hpp>

#include <boost/asio/error.hpp>

#include <gtest/gtest.h>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using Kind = Verdict::Kind;

Verdict status(int code, std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  return SendPolicy().judge(std::make_exception_ptr(ChannelError(code, "said so", retry_after)), 1, 0.5);
}

Verdict failure(errc code) {
  return SendPolicy().judge(std::make_exception_ptr(system_error(make_error_code(code), "x")), 1, 0.5);
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
  EXPECT_TRUE(SendPolicy()
                  .judge(std::make_exception_ptr(AmbiguousSend(make_error_code(errc::timed_out), "x")), 1, 0.5)
                  .ambiguous);
  for (const int code : {400, 405, 413}) {
    EXPECT_EQ(status(code).kind, Kind::dead) << code;
  }
  EXPECT_EQ(status(403).reason, "conversation_gone");
  EXPECT_EQ(status(404).reason, "conversation_gone");
  EXPECT_EQ(failure(errc::service_url_refused).kind, Kind::dead);
  EXPECT_EQ(failure(errc::unknown_continuation).kind, Kind::dead);
}

TEST(SendPolicy, NeverTriesInsideARetryAfter) {
  for (const double random : {0.0, 0.5, 0.99}) {
    const auto verdict = SendPolicy().judge(std::make_exception_ptr(ChannelError(429, "slow down", 7s)), 1, random);
    EXPECT_GT(verdict.delay, 7s);
  }
}

TEST(SendPolicy, WaitsLongerEachTimeUpToABoundWithFullJitter) {
  const SendPolicy policy;
  const auto error = std::make_exception_ptr(system_error(make_error_code(errc::channel_unreachable), "x"));
  EXPECT_LE(policy.judge(error, 1, 0.999).delay, 1s);
  EXPECT_GT(policy.judge(error, 3, 0.999).delay, 3s);
  EXPECT_LE(policy.judge(error, 11, 0.999).delay, policy.longest_delay);
  EXPECT_LT(policy.judge(error, 11, 0.0).delay, 10ms);
  EXPECT_EQ(policy.judge(error, policy.attempts, 0.5).kind, Kind::dead);
}

TEST(SendPolicy, LeavesASendAloneWhenTheProcessEnds) {
  EXPECT_EQ(failure(errc::shutting_down).kind, Kind::leave);
  EXPECT_EQ(SendPolicy()
                .judge(std::make_exception_ptr(system_error(error_code(asio::error::operation_aborted))), 1, 0.5)
                .kind,
            Kind::leave);
}

}  // namespace
}  // namespace tern::proactive
