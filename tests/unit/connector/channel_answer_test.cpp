#include "connector/channel_answer.hpp"

#include <gtest/gtest.h>

namespace tern::connector {
namespace {

using namespace std::chrono_literals;

// 1994-11-06T08:49:00Z
const WallTime now{std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min};

TEST(RetryAfter, IsReadAsSeconds) {
  EXPECT_EQ(parse_retry_after("0", now), 0ms);
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after("99999999999999999999999", now), 999'999'999s);
}

TEST(RetryAfter, IsReadAsADateInThreeForms) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 37s);
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now), 37s);
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 1994", now), 37s);
}

TEST(RetryAfter, PastDateIsZero) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), 0ms);
}

TEST(RetryAfter, ADateAfterTheEndOfTheClockIsTheLongestWait) {
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 9149", now), 999'999'999s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 9999 08:49:37 GMT", now), 999'999'999s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2262 08:49:37 GMT", now), 999'999'999s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 0001 08:49:37 GMT", now), 0ms);
}

TEST(RetryAfter, TwoDigitsOfAYearAreAtMostFiftyAhead) {
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-44 08:49:37 GMT", now), 999'999'999s);
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-45 08:49:37 GMT", now), 0ms);
}

TEST(RetryAfter, AnythingElseIsIgnored) {
  for (const char* text :
       {"", " ", "soon", "-1", "1.5", "1 s", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT GMT",
        "Sun, 06 ovD 1994 08:49:37 GMT", "GMT", ", GMT", "Sun Nov  6 08:49:37 94", "Sun Nov"}) {
    EXPECT_EQ(parse_retry_after(text, now), std::nullopt) << text;
  }
}

TEST(Shortened, LeavesOutControlsAndCutsBetweenCharacters) {
  EXPECT_EQ(shortened("a\r\nb\x1b[31mc\x7f\xc2\x85"
                      "d"),
            "ab[31mcd");
  EXPECT_EQ(shortened(std::string(300, 'x')), std::string(200, 'x'));
  EXPECT_EQ(shortened(std::string(199, 'x') + "\xc3\xa9"), std::string(199, 'x'));
  EXPECT_EQ(shortened("h\xc3\xa9"), "h\xc3\xa9");
}

TEST(ChannelErrorText, NamesStatusAndCodeAndKeepsTheMessageApart) {
  Answer answer;
  answer.status = 404;
  answer.body = R"({"error":{"code":"NotFound","message":"no such\nconversation"}})";
  answer.retry_after = "3";
  const ChannelError error = channel_error(answer, now, 1h);
  EXPECT_EQ(error.status(), 404);
  EXPECT_EQ(error.code(), errc::channel_rejected);
  EXPECT_EQ(error.retry_after(), 3000ms);
  EXPECT_EQ(message_of(error), "the channel answered 404: NotFound");
  EXPECT_EQ(error.said(), "no suchconversation");
}

// What it says goes into logs, and some channels repeat the text of a message that they refuse.
TEST(ChannelErrorText, WhatMayBeTheTextOfAMessageIsNotInIt) {
  for (const char* body :
       {R"({"error":{"code":"BadArgument","message":"cannot send: my secret"}})",
        R"({"error":{"code":"my secret is out","message":""}})",
        R"({"message":"my secret","code":"my-\u00fcber-secret"})",
        R"({"error":{"code":"secret-secret-secret-secret-secret-secret-secret-secret-secret-secret"}})"}) {
    Answer answer;
    answer.status = 400;
    answer.body = body;
    EXPECT_EQ(std::string(channel_error(answer, now, 1h).what()).find("secret"), std::string::npos) << body;
  }
}

TEST(ChannelErrorText, BodyThatIsNoErrorObjectIsNotRepeated) {
  for (const char* body : {"", "<html>secret</html>", "[\"secret\"]", "{\"error\":\"secret\"}", "{\"text\":\"secret\"}",
                           "{\"error\":{\"message\":{\"secret\":1}}}"}) {
    Answer answer;
    answer.status = 500;
    answer.body = body;
    EXPECT_EQ(std::string(channel_error(answer, now, 1h).what()).find("secret"), std::string::npos) << body;
  }
}

TEST(ChannelErrorText, SaysWhetherTheChannelItselfAnswered) {
  const auto by = [](const char* body) {
    Answer answer;
    answer.status = 404;
    answer.body = body;
    return channel_error(answer, now, 1h).by();
  };
  for (const char* body : {R"({"error":{"code":"ConversationNotFound","message":"no"}})",
                           R"({"error":{"code":"NotFound"}})", R"({"error":{"message":"no"},"more":1})"}) {
    EXPECT_EQ(by(body), ChannelError::By::channel) << body;
  }
  EXPECT_EQ(by(""), ChannelError::By::nobody);
  for (const char* body : {"<html><h1>404</h1></html>", "null", "[]", R"({"error":"not found"})", R"({"error":{}})",
                           R"({"error":{"code":404}})", R"({"statusCode":404,"message":"no"})"}) {
    EXPECT_EQ(by(body), ChannelError::By::stranger) << body;
  }
}

TEST(ChannelErrorText, ARetryAfterBeyondTheBoundIsTheBound) {
  const auto asked = [](const char* retry_after) {
    Answer answer;
    answer.status = 429;
    answer.retry_after = retry_after;
    return channel_error(answer, now, 1h).retry_after();
  };
  EXPECT_EQ(asked("1764331200"), 1h);
  EXPECT_EQ(asked("99999999999999999999999999"), 1h);
  EXPECT_EQ(asked("Fri, 31 Dec 9999 23:59:59 GMT"), 1h);
  EXPECT_EQ(asked("Fri Dec 31 23:59:59 9999"), 1h);
  EXPECT_EQ(asked("Mon, 01 Jan 0001 00:00:00 GMT"), 0ms);
  EXPECT_EQ(asked("3601"), 1h);
  EXPECT_EQ(asked("3599"), 3599s);
  EXPECT_EQ(asked("-5"), std::nullopt);
}

TEST(AnswerBody, OnlyAnObjectCounts) {
  Answer answer;
  for (const char* body : {"", "mock-1", "[]", "\"id\"", "null", "{\"id\":", "{\"id\":\"a\"} x"}) {
    answer.body = body;
    EXPECT_FALSE(object_in(answer)) << body;
  }
  answer.body = R"({"id":"mock-1"})";
  ASSERT_TRUE(object_in(answer));
  EXPECT_EQ(object_in(answer)->at("id"), "mock-1");
}

}  // namespace
}  // namespace tern::connector
