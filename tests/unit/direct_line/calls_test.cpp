#include "direct_line/calls.hpp"

#include "direct_line/frame.hpp"
#include "unit/direct_line/store.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tern::direct_line {
namespace {

using http::Method;
using test::some_id;

std::string path_to(const std::string& rest) {
  return "/v3/directline" + rest;
}

TEST(Calls, AreFoundByMethodAndPath) {
  const auto call = [](Method method, const std::string& rest) { return match_call(method, path_to(rest)).call; };
  EXPECT_EQ(call(Method::post, "/tokens/generate"), Call::generate_token);
  EXPECT_EQ(call(Method::post, "/tokens/refresh/"), Call::refresh_token);
  EXPECT_EQ(call(Method::post, "/conversations"), Call::begin);
  EXPECT_EQ(call(Method::get, "/conversations/" + some_id), Call::reconnect);
  EXPECT_EQ(call(Method::get, "/conversations/" + some_id + "/activities"), Call::get_activities);
  EXPECT_EQ(call(Method::head, "/conversations/" + some_id + "/activities"), Call::get_activities);
  EXPECT_EQ(call(Method::post, "/conversations/" + some_id + "/activities"), Call::post_activity);
  EXPECT_EQ(call(Method::post, "/conversations/" + some_id + "/upload"), Call::upload);
  EXPECT_EQ(call(Method::get, "/conversations/" + some_id + "/stream"), Call::stream);
  EXPECT_EQ(call(Method::get, "/session/getsessionid"), Call::session_id);
  EXPECT_EQ(call(Method::get, "/attachments/" + some_id + "/a%20file.png"), Call::attachment);
  EXPECT_EQ(match_call(Method::get, path_to("/conversations/" + some_id)).id, some_id);
}

TEST(Calls, WithOtherMethodsSayWhichThereAre) {
  const auto path = path_to("/conversations/" + some_id + "/activities");
  const auto found = match_call(Method::del, path);
  EXPECT_EQ(found.call, Call::other_method);
  EXPECT_EQ(found.allow, "GET, POST, OPTIONS");
  EXPECT_EQ(match_call(Method::get, path_to("/tokens/generate")).allow, "POST, OPTIONS");
}

TEST(Calls, WithOddIdsAreNothing) {
  for (const std::string id : {"", "x", "..", "%2e%2e", "..%2f..%2fetc", "AAAAAAAAAAAAAAAAAAAAA%",
                               "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAA/AAAAAAAAAAA", "AAAAAAAAAA\0AAAAAAAAAAA"}) {
    EXPECT_EQ(match_call(Method::get, path_to("/conversations/" + id + "/activities")).call, Call::nothing) << id;
  }
  EXPECT_EQ(match_call(Method::get, path_to("/conversations/" + std::string(100'000, 'a'))).call, Call::nothing);
  EXPECT_EQ(match_call(Method::get, path_to("/attachments/" + some_id)).call, Call::nothing);
  EXPECT_EQ(match_call(Method::get, path_to("/attachments/" + some_id + "/a/b")).call, Call::nothing);
  EXPECT_EQ(match_call(Method::get, "/v3/directlinex/conversations").call, Call::nothing);
  EXPECT_EQ(match_call(Method::get, "/").call, Call::nothing);
}

TEST(Calls, ReadTheirQuery) {
  EXPECT_EQ(query_value("watermark=3&t=a%2Bb+c", "watermark"), "3");
  EXPECT_EQ(query_value("watermark=3&t=a%2Bb+c", "t"), "a+b c");
  EXPECT_EQ(query_value("t=%zz%4", "t"), "%zz%4");
  EXPECT_EQ(query_value("xt=1", "t"), "");
  EXPECT_EQ(query_value("t", "t"), "");
  EXPECT_EQ(query_value("", "t"), "");
}

StoredActivity stored(std::uint64_t seq, std::string text) {
  return {seq, std::make_shared<const std::string>(std::move(text))};
}

TEST(Frames, HaveActivitiesAndTheWatermarkOfTheLast) {
  const std::vector<StoredActivity> some{stored(4, R"({"a":1})"), stored(5, R"({"b":2})"), stored(0, R"({"c":3})")};
  const auto frame = make_frame(some, 0, 3, 1000);
  EXPECT_EQ(*frame.text, R"({"activities":[{"a":1},{"b":2},{"c":3}],"watermark":"5"})");
  EXPECT_EQ(frame.watermark, 5U);
  EXPECT_EQ(frame.next, 3U);
}

TEST(Frames, AreCutAndHaveOneActivityAtLeast) {
  const std::vector<StoredActivity> some{stored(4, std::string(100, 'x')), stored(5, "y"), stored(6, "z")};
  const auto first = make_frame(some, 0, 3, 50);
  EXPECT_EQ(first.next, 1U);
  EXPECT_EQ(first.watermark, 4U);
  const auto second = make_frame(some, first.next, first.watermark, 50);
  EXPECT_EQ(*second.text, R"({"activities":[y,z],"watermark":"6"})");
}

TEST(Frames, WithoutActivitiesHaveAWatermarkThatNoClientTakesForNone) {
  EXPECT_EQ(*make_frame({}, 0, 0, 50).text, R"({"activities":[],"watermark":"0"})");
}

TEST(Watermarks, AreNumbers) {
  EXPECT_EQ(parse_watermark(""), 0U);
  EXPECT_EQ(parse_watermark("-"), 0U);
  EXPECT_EQ(parse_watermark("0"), 0U);
  EXPECT_EQ(parse_watermark("42"), 42U);
  for (const char* none : {"-1", "+1", "1.0", "x", "1x", " 1", "99999999999999999999", "undefined", "null"}) {
    EXPECT_FALSE(parse_watermark(none)) << none;
  }
}

}  // namespace
}  // namespace tern::direct_line
