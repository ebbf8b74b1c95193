#include "direct_line/incoming.hpp"

#include "direct_line/refusal.hpp"
#include "unit/direct_line/store.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace tern::direct_line {
namespace {

using test::some_id;

json::object given_by_client(const char* text) {
  return json::parse(text).as_object();
}

Head head_of_page() {
  Head head;
  head.channel = "webchat";
  head.user = "u-page";
  head.user_name = "Page User";
  return head;
}

Incoming check(const char* text, const Caller& caller = {}, const Head& head = head_of_page()) {
  return check_incoming(given_by_client(text), caller, head, some_id);
}

unsigned refusal_of(const char* text, const Caller& caller = {}, const Head& head = head_of_page()) {
  try {
    (void)check(text, caller, head);
  } catch (const Refusal& refusal) {
    return refusal.status();
  }
  return 0;
}

TEST(IncomingTest, SetsWhatAClientMayNotChoose) {
  const auto incoming = check(
      R"({"type":"message","text":"hi","id":"x","timestamp":"2020","serviceUrl":"http://evil.example","callerId":"urn:x",
          "recipient":{"id":"x"},"conversation":{"id":"x"},"channelId":"msteams","deliveryMode":"expectReplies",
          "from":{"id":"u","name":"U","role":"bot","aadObjectId":"boss"},"channelData":{"clientActivityID":"c1"}})");
  EXPECT_EQ(incoming.fields,
            given_by_client(
                R"({"type":"message","text":"hi","conversation":{"id":"AAAAAAAAAAAAAAAAAAAAAA"},"channelId":"webchat",
          "from":{"id":"u","name":"U","role":"user"},"channelData":{"clientActivityID":"c1"}})"));
  Options options;
  const auto activity = for_bot(incoming, options, "the-id", "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(activity.service_url(), "urn:tern:direct-line");
  EXPECT_EQ(activity.id(), "the-id");
  EXPECT_EQ(activity.recipient_id(), "bot");
  EXPECT_FALSE(activity.delivery_mode()) << "its replies go to the conversation";
  EXPECT_TRUE(activity.timestamp());
}

TEST(IncomingTest, ForcesTheUserOfTheToken) {
  Caller caller;
  caller.claims.user = "dl_me";
  caller.claims.name = "Me";
  const auto incoming = check(R"({"type":"message","from":{"id":"dl_other","name":"Other"}})", caller);
  EXPECT_EQ(incoming.fields.at("from"), json::parse(R"({"id":"dl_me","name":"Me","role":"user"})"));
}

TEST(IncomingTest, GivesAReservedIdToTokensAlone) {
  EXPECT_EQ(refusal_of(R"({"type":"message","from":{"id":"dl_other"}})"), 400U);
  Caller with_secret;
  with_secret.has_secret = true;
  EXPECT_EQ(refusal_of(R"({"type":"message","from":{"id":"dl_other"}})", with_secret), 0U);
  auto head = head_of_page();
  head.user = "dl_vouched";
  EXPECT_EQ(refusal_of(R"({"type":"message"})", {}, head), 400U) << "the token of another client had this user";
}

TEST(IncomingTest, TakesTheUserOfTheConversationWhenNoneIsNamed) {
  EXPECT_EQ(check(R"({"type":"message"})").fields.at("from"),
            json::parse(R"({"id":"u-page","name":"Page User","role":"user"})"));
  EXPECT_EQ(refusal_of(R"({"type":"message"})", {}, Head{}), 400U);
}

TEST(IncomingTest, RefusesWhatAClientDoesNotSend) {
  EXPECT_EQ(refusal_of(R"({"text":"x"})"), 400U);
  EXPECT_EQ(refusal_of(R"({"type":""})"), 400U);
  EXPECT_EQ(refusal_of(R"({"type":7})"), 400U);
  for (const char* type : {"conversationUpdate", "installationUpdate", "invokeResponse", "delay", "trace", "x"}) {
    EXPECT_EQ(refusal_of((R"({"type":")" + std::string(type) + "\"}").c_str()), 400U) << type;
  }
  EXPECT_EQ(refusal_of(R"({"type":"message","from":"me"})"), 400U);
  EXPECT_EQ(refusal_of(R"({"type":"message","from":{"id":7}})"), 400U);
  EXPECT_EQ(refusal_of(("{\"type\":\"message\",\"from\":{\"id\":\"" + std::string(257, 'x') + "\"}}").c_str()), 400U);
  EXPECT_EQ(refusal_of(R"({"type":"message","from":{"id":"a\u0000b"}})"), 400U);
}

TEST(IncomingTest, KnowsWhatIsOnlyShownWhatEndsAndWhatStreams) {
  EXPECT_TRUE(check(R"({"type":"typing"})").is_shown_only);
  EXPECT_TRUE(check(R"({"type":"endOfConversation"})").ends);
  const auto streaming = check(R"({"type":"message","deliveryMode":"stream"})");
  EXPECT_TRUE(streaming.streams);
  EXPECT_FALSE(streaming.fields.contains("deliveryMode"));
  EXPECT_EQ(for_bot(streaming, {}, "i", "t").delivery_mode(), "stream");
  auto head = head_of_page();
  head.streams = true;
  EXPECT_TRUE(check(R"({"type":"message"})", {}, head).streams);
}

TEST(IncomingTest, TellsTheBotWhoIsThere) {
  auto head = head_of_page();
  head.locale = "en-GB";
  const auto update = conversation_update(head, some_id, {}, "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(update.type(), "conversationUpdate");
  ASSERT_EQ(update.members_added().size(), 2U);
  EXPECT_EQ(update.members_added()[0].id(), "bot");
  EXPECT_EQ(update.members_added()[1].id(), "u-page");
  EXPECT_EQ(update.from_id(), "u-page");
  EXPECT_EQ(update.locale(), "en-GB");
  EXPECT_EQ(conversation_update({}, some_id, {}, "t").members_added().size(), 1U);
}

TEST(IncomingTest, ReadsBodies) {
  EXPECT_TRUE(object_in("", true).empty());
  EXPECT_TRUE(object_in(" \n", true).empty());
  EXPECT_TRUE(object_in("null", true).empty());
  EXPECT_EQ(object_in(R"({"a":1})", false).at("a"), 1);
  for (const char* bad : {"", "null", "[]", "7", "{", "{\"a\":1e999}"}) {
    EXPECT_THROW(object_in(bad, false), Refusal) << bad;
  }
}

}  // namespace
}  // namespace tern::direct_line
