#include "auth/token_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Why = NoToken::Why;

constexpr WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 30);
constexpr std::int64_t now_in_seconds = 1'795'996'800;  // since 1970 began

auto read(int status, std::string body, HttpHeaders headers = {}) {
  return read_token_answer(HttpResponse{status, std::move(headers), std::move(body)}, "login.example", now);
}

TEST(TokenAnswer, AnOAuthServiceSaysInSecondsHowLongTheTokenLives) {
  const auto fresh =
      read(200, R"({"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"abc"})");
  ASSERT_TRUE(fresh.has_value());
  EXPECT_EQ(fresh->token->authorization(), "Bearer abc");
  EXPECT_EQ(fresh->lifetime, 3599s);
  EXPECT_EQ(fresh->renew_in, std::nullopt);
}

TEST(TokenAnswer, AMetadataEndpointWritesNumbersAsTextAndSaysWhenToRenew) {
  const auto fresh = read(200, R"({"access_token":"abc","expires_in":"86399","refresh_in":"43199","expires_on":"1"})");
  ASSERT_TRUE(fresh.has_value());
  EXPECT_EQ(fresh->lifetime, 86'399s);
  EXPECT_EQ(fresh->renew_in, SteadyTime::duration(43'199s));
}

TEST(TokenAnswer, AppServiceSaysWhenTheTokenExpires) {
  const auto until = std::to_string(now_in_seconds + 600);
  for (const auto& member : {"\"" + until + "\"", until}) {
    const auto fresh = read(200, R"({"access_token":"abc","expires_on":)" + member + "}");
    ASSERT_TRUE(fresh.has_value()) << member;
    EXPECT_EQ(fresh->lifetime, 600s);
  }
}

TEST(TokenAnswer, ATokenThatHasExpiredHasNoLifeLeft) {
  for (const auto& until : {std::to_string(now_in_seconds), std::string("0"), std::string("-9223372036854775808")}) {
    const auto fresh = read(200, R"({"access_token":"abc","expires_on":)" + until + "}");
    EXPECT_TRUE(!fresh || fresh->lifetime == 0s) << until;
  }
}

TEST(TokenAnswer, ALifeOfYearsCountsAsAWeek) {
  EXPECT_EQ(read(200, R"({"access_token":"abc","expires_in":9223372036854775807})")->lifetime, 7 * 24h);
}

TEST(TokenAnswer, WhatIsNoTokenIsAFailureForNow) {
  for (const char* body :
       {"", "<html>", "[]", "null", "{}", R"({"access_token":"","expires_in":1})",
        R"({"access_token":5,"expires_in":1})", R"({"access_token":"abc"})", R"({"access_token":"abc","expires_in":0})",
        R"({"access_token":"abc","expires_in":-5})", R"({"access_token":"abc","expires_in":"soon"})",
        R"({"access_token":"abc","expires_on":"1"})", R"({"access_token":"a b","expires_in":60})",
        R"({"access_token":"a\r\nX: y","expires_in":60})"}) {
    const auto fresh = read(200, body);
    ASSERT_FALSE(fresh.has_value()) << body;
    EXPECT_EQ(fresh.error().why, Why::unavailable) << body;
    EXPECT_THAT(fresh.error().message, HasSubstr("login.example")) << body;
    EXPECT_THAT(fresh.error().message, Not(HasSubstr("abc"))) << body;
  }
}

TEST(TokenAnswer, StatusesSayWhetherTheCredentialsAreWrong) {
  for (const int status : {400, 401, 403}) {
    EXPECT_EQ(read(status, R"({"error":"invalid_client"})").error().why, Why::refused) << status;
    EXPECT_EQ(read(status, "").error().why, Why::refused) << status;
    EXPECT_EQ(read(status, R"({"error":"temporarily_unavailable"})").error().why, Why::unavailable) << status;
  }
  for (const int status : {204, 302, 404, 405, 408, 410, 429, 500, 502, 503, 504}) {
    EXPECT_EQ(read(status, R"({"error":"invalid_client"})").error().why, Why::unavailable) << status;
  }
}

TEST(TokenAnswer, OfAnErrorOnlyItsCodesAreTold) {
  const auto failure =
      read(401, R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret )"
                R"(hunter2 provided.","error_codes":[7000215],"secret":"hunter2"})");
  const auto message = failure.error().message;
  EXPECT_EQ(
      message,
      "The token service login.example refuses the bot's credentials: 401 invalid_client AADSTS7000215. The client "
      "secret is wrong: give the secret's value, and not its id.");
}

TEST(TokenAnswer, WhatIsNoCodeIsNotTold) {
  const auto failure = read(400, R"({"error":"hunter2 is wrong","error_description":"hunter2 AADSTS1"})");
  EXPECT_EQ(failure.error().message, "The token service login.example refuses the bot's credentials: 400.");
  const auto strange = read(503, R"({"error":{"code":"hunter2"},"error_description":["AADSTS1"]})");
  EXPECT_EQ(strange.error().message, "The token service login.example answered 503.");
}

TEST(TokenAnswer, ARetryAfterIsRead) {
  EXPECT_EQ(read(429, "", {{"Retry-After", "17"}}).error().retry_after, SteadyTime::duration(17s));
  EXPECT_EQ(read(429, "", {{"retry-after", "soon"}}).error().retry_after, std::nullopt);
  EXPECT_EQ(read(429, "").error().retry_after, std::nullopt);
}

}  // namespace
}  // namespace tern::auth
