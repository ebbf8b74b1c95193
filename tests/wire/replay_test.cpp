#include "wire/replay.hpp"
#include "wire/captures.hpp"

#include <gtest/gtest.h>

namespace tern::wire {
namespace {

const std::string channel = "http://127.0.0.1:7";

Replay replay_of(const std::string& name) {
  return make_replay(capture_named(name), capture_named("message"), channel, "-new");
}

TEST(Replay, RenewsAddressAndIdAndNothingElse) {
  const auto replay = replay_of("message");
  EXPECT_TRUE(replay.bytes.starts_with("POST /api/messages HTTP/1.1\r\nHost: localhost:3978\r\nConnection: close\r\n"));
  EXPECT_NE(replay.bytes.find(R"("id":"act-1-new")"), std::string::npos);
  EXPECT_NE(replay.bytes.find(R"("serviceUrl":"http://127.0.0.1:7")"), std::string::npos);
  const auto body = replay.bytes.substr(replay.bytes.find("\r\n\r\n") + 4);
  EXPECT_NE(replay.bytes.find("Content-Length: " + std::to_string(body.size()) + "\r\n"), std::string::npos);
  ASSERT_EQ(replay.expected.sends.size(), 1U);
  EXPECT_EQ(replay.expected.sends[0].target, "/v3/conversations/conv1/activities/act-1-new");
  EXPECT_EQ(replay.expected.sends[0].body.at("replyToId"), "act-1-new");
  EXPECT_EQ(replay.expected.sends[0].body.at("serviceUrl"), channel.c_str());
  EXPECT_TRUE(replay.expected.reasons.empty());
}

TEST(Replay, LeavesOtherIdsAloneWhenTheActivityHasNone) {
  const auto replay = replay_of("missing-id");
  EXPECT_EQ(replay.bytes.find("-new"), std::string::npos);
  EXPECT_EQ(replay.expected.sends.at(0).target, "/v3/conversations/conv1/activities");
}

TEST(Replay, RenewsAnIdThatIsEncodedInThePath) {
  const auto replay = replay_of("message-unicode-long-id");
  EXPECT_EQ(replay.expected.sends.at(0).target,
            "/v3/conversations/19%3Aabc%40thread.tacv2%3Bmessageid%3D1%2F2%203/activities/1%7C2%2F3-new");
}

TEST(Replay, SendsChunksAgain) {
  const auto bytes = replay_of("chunked").bytes;
  EXPECT_NE(bytes.find("Transfer-Encoding: chunked\r\n\r\n"), std::string::npos);
  EXPECT_EQ(bytes.find("Content-Length"), std::string::npos);
  EXPECT_TRUE(bytes.ends_with("\r\n0\r\n\r\n"));
}

TEST(Replay, MakesCutBodiesWhole) {
  const auto& message = capture_named("message");
  EXPECT_EQ(whole_body(capture_named("body-101KB"), message).size(), 103762U);
  EXPECT_EQ(whole_body(capture_named("deep-nesting-5000"), message).size(), 10175U);
}

TEST(Replay, ExpectsNoReplyToIdOfAProactiveSend) {
  const auto replay = replay_of("playground-emulator 2");
  ASSERT_EQ(replay.expected.sends.size(), 2U);
  const auto& later = replay.expected.sends[1];
  EXPECT_EQ(later.body.as_object().count("replyToId"), 0U);
  EXPECT_TRUE(later.target.ends_with("/activities"));
  EXPECT_EQ(later.body.at("text"), "You said \"scripted\"");
  EXPECT_EQ(later.body.at("serviceUrl"), "http://127.0.0.1:7/_connector");
}

TEST(Replay, ExpectsNoDelayAmongTheReplies) {
  const auto& expected = replay_of("expectReplies-multi").expected;
  EXPECT_EQ(expected.json.at("activities").as_array().size(), 3U);
  EXPECT_EQ(expected.at_least, std::chrono::milliseconds(100));
}

}  // namespace
}  // namespace tern::wire
