#include <tern/schema/parse.hpp>

#include "schema/signed_activity.hpp"

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <string>

namespace {

namespace json = boost::json;

/// A message such as the emulator's, with `extra` members (`,"name":value`) at its end.
std::string body_with(const std::string& extra) {
  return R"({"type":"message","id":"act-1","serviceUrl":"http://localhost:9999","conversation":{"id":"conv1"})" +
         extra + "}";
}

tern::Activity good(std::string_view text) {
  auto parsed = tern::parse_activity(text);
  if (parsed.has_error()) {
    ADD_FAILURE() << text << ": " << parsed.error().message;
    return {};
  }
  return std::move(*parsed);
}

struct Refusal {
  const char* body;
  const char* code;
  const char* named;  ///< what the message must name
};

class ParseActivityRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(ParseActivityRefuses, WithItsCodeAndTheMembersName) {
  const auto parsed = tern::parse_activity(GetParam().body);
  ASSERT_TRUE(parsed.has_error()) << GetParam().body;
  EXPECT_EQ(parsed.error().code, GetParam().code) << GetParam().body;
  EXPECT_NE(parsed.error().message.find(GetParam().named), std::string::npos) << parsed.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, ParseActivityRefuses,
    testing::Values(
        Refusal{"", "BadSyntax", "empty"}, Refusal{"{", "BadSyntax", "incomplete JSON at byte 1"},
        Refusal{"null", "BadSyntax", "not an object"}, Refusal{"[]", "BadSyntax", "not an object"},
        Refusal{"\"hello\"", "BadSyntax", "not an object"}, Refusal{"7", "BadSyntax", "not an object"},
        Refusal{"{}", "MissingProperty", "'type'"},
        Refusal{R"({"type":null,"conversation":{"id":"c"},"serviceUrl":"http://h"})", "MissingProperty", "'type'"},
        Refusal{R"({"type":"","conversation":{"id":"c"},"serviceUrl":"http://h"})", "BadArgument", "'type'"},
        Refusal{R"({"type":5,"conversation":{"id":"c"},"serviceUrl":"http://h"})", "BadArgument", "'type'"},
        Refusal{R"({"type":"message","serviceUrl":"http://h"})", "MissingProperty", "'conversation'"},
        Refusal{R"({"type":"message","conversation":null,"serviceUrl":"http://h"})", "MissingProperty",
                "'conversation'"},
        Refusal{R"({"type":"message","conversation":"c","serviceUrl":"http://h"})", "BadArgument", "'conversation'"},
        Refusal{R"({"type":"message","conversation":{},"serviceUrl":"http://h"})", "MissingProperty",
                "'conversation.id'"},
        Refusal{R"({"type":"message","conversation":{"id":""},"serviceUrl":"http://h"})", "BadArgument",
                "'conversation.id'"},
        Refusal{R"({"type":"message","conversation":{"id":1},"serviceUrl":"http://h"})", "BadArgument",
                "'conversation.id'"},
        Refusal{R"({"type":"message","conversation":{"id":"."},"serviceUrl":"http://h"})", "BadArgument",
                "'conversation.id'"},
        Refusal{R"({"type":"message","conversation":{"id":".."},"serviceUrl":"http://h"})", "BadArgument",
                "'conversation.id'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"}})", "MissingProperty", "'serviceUrl'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"},"serviceUrl":null})", "MissingProperty", "'serviceUrl'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"},"serviceUrl":7})", "BadArgument", "'serviceUrl'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"},"serviceUrl":""})", "BadArgument", "'serviceUrl'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"},"serviceUrl":"not a url"})", "BadArgument",
                "'serviceUrl'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"},"serviceUrl":"urn:botframework:ws"})", "BadArgument",
                "'serviceUrl'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"},"serviceUrl":"x","deliveryMode":"expectReplies"})",
                "BadArgument", "'serviceUrl'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"},"serviceUrl":"x","deliveryMode":"stream"})",
                "BadArgument", "'serviceUrl'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"},"deliveryMode":"Stream"})", "MissingProperty",
                "'serviceUrl'"},
        Refusal{R"({"type":"message","conversation":{"id":"c"},"serviceUrl":"http://h","value":1e400})", "BadArgument",
                "number"}));

TEST(ParseActivity, ReadsAMessageOfTheEmulator) {
  const tern::Activity activity = good(
      R"({"type":"message","id":"act-1","timestamp":"2026-11-22T10:00:00.123Z","localTimestamp":"2026-11-22T11:00:00.123+01:00",)"
      R"("channelId":"emulator","serviceUrl":"http://localhost:9999","from":{"id":"user1","name":"User","role":"user"},)"
      R"("conversation":{"id":"conv1"},"recipient":{"id":"bot1","name":"Bot","role":"bot"},"text":"hello","locale":"en-US"})");
  EXPECT_TRUE(activity.is(tern::activity_types::message));
  EXPECT_EQ(activity.text(), "hello");
  EXPECT_EQ(activity.id(), "act-1");
  EXPECT_EQ(activity.channel_id(), tern::channels::emulator);
  EXPECT_EQ(activity.service_url(), "http://localhost:9999");
  EXPECT_EQ(activity.from()->name(), "User");
  EXPECT_EQ(activity.recipient()->role(), tern::roles::bot);
  EXPECT_EQ(activity.conversation_id(), "conv1");
  EXPECT_EQ(activity.timestamp()->text(), "2026-11-22T10:00:00.123Z");
  EXPECT_EQ(activity.local_timestamp()->offset(), std::chrono::hours(1));
  EXPECT_EQ(activity.local_timestamp()->time(), activity.timestamp()->time());
}

TEST(ParseActivity, ToleratesWhatChannelsLeaveOut) {
  const tern::Activity activity =
      good(R"({"type":"typing","serviceUrl":"http://localhost:9999","conversation":{"id":"conv1"}})");
  EXPECT_FALSE(activity.id());
  EXPECT_FALSE(activity.from());
  EXPECT_FALSE(activity.recipient_id());
  EXPECT_FALSE(activity.channel_id());
  EXPECT_FALSE(activity.has_text());
  EXPECT_EQ(activity.text(), "");
}

TEST(ParseActivity, AnEmptyServiceUrlCountsAsNoneWhereTheResponseAnswers) {
  for (const auto* mode : {"expectReplies", "stream"}) {
    for (const std::string& fields : {R"("serviceUrl":"","deliveryMode":")" + std::string(mode) + "\"",
                                      R"("deliveryMode":")" + std::string(mode) + R"(","serviceUrl":"")"}) {
      const auto text = R"({"type":"message","conversation":{"id":"c"},)" + fields + "}";
      EXPECT_FALSE(good(text).service_url()) << fields;
      const auto signed_one = tern::detail::parse_activity_of("urn:botframework:azure", text);
      ASSERT_TRUE(signed_one) << fields;
      EXPECT_FALSE(signed_one->service_url()) << fields;
    }
  }
  for (const auto* mode : {"", R"(,"deliveryMode":"normal")", R"(,"deliveryMode":null)"}) {
    const auto refused = tern::parse_activity(R"({"type":"message","conversation":{"id":"c"},"serviceUrl":"")" +
                                              std::string(mode) + "}");
    ASSERT_FALSE(refused) << mode;
    EXPECT_EQ(refused.error().code, "BadArgument");
  }
}

TEST(ParseActivity, ServiceUrlMayBeAbsentWhereTheResponseAnswers) {
  EXPECT_FALSE(good(R"({"type":"message","conversation":{"id":"c"},"deliveryMode":"stream"})").service_url());
  EXPECT_FALSE(
      good(R"({"type":"invoke","conversation":{"id":"c"},"serviceUrl":null,"deliveryMode":"stream"})").service_url());
  EXPECT_FALSE(good(R"({"type":"message","conversation":{"id":"c"},"deliveryMode":"expectReplies"})").service_url());
  EXPECT_FALSE(good(R"({"type":"message","conversation":{"id":"c"},"serviceUrl":null,"deliveryMode":"expectReplies"})")
                   .service_url());
}

TEST(ParseActivity, TextThatIsNoStringIsKeptButNotRead) {
  const tern::Activity activity = good(body_with(R"(,"text":42)"));
  EXPECT_EQ(activity.text(), "");
  EXPECT_FALSE(activity.has_text());
  EXPECT_EQ(activity.json().at("text"), json::value(42));
}

TEST(ParseActivity, MembersOfTheWrongTypeReadAsAbsentAndAreKept) {
  const tern::Activity activity = good(body_with(
      R"(,"from":"me","recipient":[],"membersAdded":{},"attachments":[1,{"contentType":"a"},null],"historyDisclosed":"no","timestamp":"yesterday","id":7)"));
  EXPECT_FALSE(activity.from());
  EXPECT_FALSE(activity.recipient());
  EXPECT_TRUE(activity.members_added().empty());
  EXPECT_EQ(activity.attachments().size(), 1u);
  EXPECT_FALSE(activity.history_disclosed());
  EXPECT_FALSE(activity.timestamp());
  EXPECT_FALSE(activity.id());
  EXPECT_EQ(activity.json().at("from"), json::value("me"));
  EXPECT_EQ(activity.json().at("timestamp"), json::value("yesterday"));
}

TEST(ParseActivity, OfACallerSaysItAndNothingElseThatTheTextSays) {
  for (const char* member : {"", R"("callerId":"forged",)", R"("callerId":{"a":1},)", R"("callerId":null,)"}) {
    const auto text = R"({"type":"message",)" + std::string(member) +
                      R"("serviceUrl":"http://h","conversation":{"id":"c","callerId":"inner"}})";
    auto activity = *tern::detail::parse_activity_of("urn:botframework:azure", text);
    EXPECT_EQ(activity.caller_id(), "urn:botframework:azure") << member;
    EXPECT_EQ(activity.json().size(), 4U);
    EXPECT_EQ(activity.json().at("conversation").at("callerId"), "inner");
    const auto copy = activity;
    EXPECT_EQ(copy.caller_id(), "urn:botframework:azure");
    activity.set_caller_id("urn:botframework:aadappid:another");
    EXPECT_EQ(activity.caller_id(), "urn:botframework:aadappid:another");
    EXPECT_EQ(*tern::detail::parse_activity_of("", text), *tern::parse_activity(text)) << "without a caller";
    EXPECT_FALSE(tern::parse_activity(text)->json().contains("callerId"));
  }
  EXPECT_EQ(tern::detail::parse_activity_of("urn:x", "[]").error().code, "BadSyntax");
  EXPECT_EQ(tern::detail::parse_activity_of("urn:x", "{}").error().code, "MissingProperty");
}

TEST(ParseActivity, CallerIdIsDiscardedAndTheOrderOfTheRestKept) {
  const std::string body =
      R"({"type":"message","callerId":"urn:botframework:aadappid:x","serviceUrl":"http://h","a":1,"conversation":{"id":"c"},"b":2})";
  const tern::Activity activity = good(body);
  EXPECT_FALSE(activity.caller_id());
  EXPECT_EQ(json::serialize(activity.json()),
            R"({"type":"message","serviceUrl":"http://h","a":1,"conversation":{"id":"c"},"b":2})");
}

TEST(ParseActivity, UnknownMembersSurviveAtEveryLevelInTheirOrder) {
  const std::string body =
      R"({"zeta":[1,{"q":null}],"type":"message","from":{"x-from":1,"id":"u"},"conversation":{"id":"c","x-conv":{"deep":[true]}},)"
      R"("serviceUrl":"http://h","attachments":[{"contentType":"t","x-att":"1"}],"entities":[{"type":"clientInfo","locale":"en-US"}],)"
      R"("suggestedActions":{"x":1,"actions":[{"type":"imBack","x-action":2}]},"alpha":18446744073709551615})";
  EXPECT_EQ(json::serialize(good(body).json()), body);
}

TEST(ParseActivity, AnUnknownTypeAndAnUnknownDeliveryModeAreFine) {
  EXPECT_EQ(good(R"({"type":"x.y/custom","serviceUrl":"http://h","conversation":{"id":"c"}})").type(), "x.y/custom");
  EXPECT_EQ(good(body_with(R"(,"deliveryMode":"carrierPigeon")")).delivery_mode(), "carrierPigeon");
}

TEST(ParseActivity, AnythingMayStandInAnId) {
  const std::string id = R"(!@#$%^&*()~/\\><,.?';\"`~ 19:abc@thread.tacv2;messageid=1/2 3 é中😀\u0000)";
  const tern::Activity activity =
      good(R"({"type":"message","serviceUrl":"http://h","conversation":{"id":")" + id + "\"}}");
  EXPECT_EQ(activity.conversation_id(),
            std::string_view("!@#$%^&*()~/\\><,.?';\"`~ 19:abc@thread.tacv2;messageid=1/2 3 é中😀\0", 70));
}

}  // namespace
