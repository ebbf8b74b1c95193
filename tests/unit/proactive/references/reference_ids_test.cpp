#include "proactive/references/reference_ids.hpp"
#include "turn/conversation_kind.hpp"

#include <tern/schema/parse.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

namespace tern::proactive {
namespace {

constexpr std::string_view whole = R"({"activityId":"7","channelId":"msteams","serviceUrl":"https://smba.example/emea/",
  "bot":{"name":"Bot","id":"28:b"},"user":{"id":"29:u","name":"id","aadObjectId":"x"},
  "conversation":{"isGroup":true,"conversationType":"channel","tenantId":"t1","id":"19:c@thread.tacv2"},"locale":"de"})";

TEST(ReferenceIds, AreReadFromAReference) {
  const auto ids = ReferenceIds::parse(whole);
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->channel(), "msteams");
  EXPECT_EQ(ids->service_url(), "https://smba.example/emea/");
  EXPECT_EQ(ids->bot(), "28:b");
  EXPECT_EQ(ids->user(), "29:u");
  EXPECT_EQ(ids->conversation(), "19:c@thread.tacv2");
  EXPECT_EQ(ids->tenant(), "t1");
  EXPECT_FALSE(ids->is_personal());
}

TEST(ReferenceIds, AreEmptyWhereAMemberIsMissingOrOfAnotherKind) {
  const auto ids =
      ReferenceIds::parse(R"({"channelId":7,"bot":"28:b","user":["29:u"],"conversation":{"id":{"id":"x"}}})");
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->channel(), "");
  EXPECT_EQ(ids->service_url(), "");
  EXPECT_EQ(ids->bot(), "");
  EXPECT_EQ(ids->user(), "");
  EXPECT_EQ(ids->conversation(), "");
  EXPECT_FALSE(ids->is_personal());
}

TEST(ReferenceIds, AreOfThePlaceWhereTheyStandOnly) {
  const auto ids = ReferenceIds::parse(
      R"({"bot":{"x":{"id":"wrong"},"id":"b","y":[{"id":"wrong"}]},"z":{"id":"wrong","serviceUrl":"wrong"},"id":"wrong"})");
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->bot(), "b");
  EXPECT_EQ(ids->service_url(), "");
  EXPECT_EQ(ids->user(), "");
}

TEST(ReferenceIds, AreNotReadFromWhatIsNoObject) {
  for (const auto* text : {"", "7", "[]", R"([{"channelId":"x"}])", R"({"channelId":"x")", R"({} {})"}) {
    EXPECT_FALSE(ReferenceIds::parse(text)) << text;
  }
}

TEST(ReferenceIds, KnowAPersonalConversationByItsTypeOrFlag) {
  const auto is_personal = [](const std::string& conversation) {
    return ReferenceIds::parse(R"({"conversation":)" + conversation + "}")->is_personal();
  };
  EXPECT_TRUE(is_personal(R"({"conversationType":"personal"})"));
  EXPECT_TRUE(is_personal(R"({"isGroup":false})"));
  EXPECT_FALSE(is_personal(R"({"isGroup":true})"));
  EXPECT_FALSE(is_personal(R"({"isGroup":"false"})"));
  EXPECT_FALSE(is_personal("{}"));
}

// --- beside the values that `parse_json` builds -------------------------------------------------------------------

class Texts {
 public:
  explicit Texts(unsigned seed) : random_(seed) {}

  std::string object(int depth) {
    constexpr std::string_view names[] = {
        "channelId", "serviceUrl",      "bot", "user", "conversation", "id", "tenantId", "isGroup", "chann\\u0065lId",
        "other",     "conversationType"};
    std::string text = "{";
    for (auto left = random_() % 7; left > 0; --left) {
      text += (text.size() > 1 ? "," : "") + ('"' + std::string(names[random_() % std::size(names)])) +
              "\":" + value(depth);
    }
    return text + '}';
  }

 private:
  std::string value(int depth) {
    switch (random_() % (depth > 0 ? 9 : 5)) {
      case 0:
        return random_() % 2 == 0 ? "true" : "false";
      case 1:
        return "7.5";
      case 2:
        return R"("personal")";
      case 3:
        return R"("a\u00e4\n\ud83d\ude00b)" + std::string(random_() % 40, 'x') + '"';
      case 4:
        return '"' + std::to_string(random_()) + '"';
      case 5:
        return '[' + object(depth - 1) + ']';
      default:
        return object(depth - 1);
    }
  }

  std::mt19937 random_;
};

std::string_view text_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : "";
}

json::object object_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : json::object();
}

TEST(ReferenceIds, AreThoseOfTheParsedValuesWhateverComes) {
  const char* given = std::getenv("TERN_TEST_SEED");
  const auto seed = given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device()();
  Texts texts(seed);
  for (int i = 0; i < 5'000; ++i) {
    const auto text = texts.object(3);
    SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed) + ": " + text);
    const auto object = parse_json(text)->as_object();
    const auto ids = ReferenceIds::parse(text);
    ASSERT_TRUE(ids);
    const auto conversation = object_in(object, "conversation");
    ASSERT_EQ(ids->channel(), text_in(object, "channelId"));
    ASSERT_EQ(ids->service_url(), text_in(object, "serviceUrl"));
    ASSERT_EQ(ids->bot(), text_in(object_in(object, "bot"), "id"));
    ASSERT_EQ(ids->user(), text_in(object_in(object, "user"), "id"));
    ASSERT_EQ(ids->conversation(), text_in(conversation, "id"));
    ASSERT_EQ(ids->tenant(), text_in(conversation, "tenantId"));
    ASSERT_EQ(ids->is_personal(), detail::is_personal(conversation));
  }
}

}  // namespace
}  // namespace tern::proactive
