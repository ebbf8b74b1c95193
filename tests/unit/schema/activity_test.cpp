#include <tern/schema/activity.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

namespace {

namespace json = boost::json;
using tern::Activity;
using namespace std::chrono_literals;

std::string text_of(const Activity& activity) {
  return json::serialize(activity.json());
}

TEST(Activity, FactoriesWriteWhatTheProtocolHas) {
  EXPECT_EQ(text_of(Activity::of_type("custom")), R"({"type":"custom"})");
  EXPECT_EQ(text_of(Activity::message("hi")), R"({"type":"message","text":"hi"})");
  EXPECT_EQ(text_of(Activity::message()), R"({"type":"message"})");
  EXPECT_EQ(text_of(Activity::message(tern::Attachment::from_url("image/png", "https://h/a.png"))),
            R"({"type":"message","attachments":[{"contentType":"image/png","contentUrl":"https://h/a.png"}]})");
  EXPECT_EQ(text_of(Activity::typing()), R"({"type":"typing"})");
  EXPECT_EQ(text_of(Activity::event("tick")), R"({"type":"event","name":"tick"})");
  EXPECT_EQ(text_of(Activity::event("tick", json::value(5))), R"({"type":"event","name":"tick","value":5})");
  EXPECT_EQ(text_of(Activity::trace("t", "v", "vt", "l")),
            R"({"type":"trace","name":"t","value":"v","valueType":"vt","label":"l"})");
  EXPECT_EQ(text_of(Activity::trace("t")), R"({"type":"trace","name":"t"})");
  EXPECT_EQ(text_of(Activity::delay(1500ms)), R"({"type":"delay","value":1500})");
  EXPECT_EQ(text_of(Activity::end_of_conversation()), R"({"type":"endOfConversation"})");
  EXPECT_EQ(text_of(Activity::end_of_conversation(tern::end_of_conversation_codes::user_cancelled)),
            R"({"type":"endOfConversation","code":"userCancelled"})");
  EXPECT_EQ(text_of(Activity::invoke_response(200, json::object{{"a", 1}})),
            R"({"type":"invokeResponse","value":{"status":200,"body":{"a":1}}})");
  EXPECT_EQ(text_of(Activity::invoke_response(501)), R"({"type":"invokeResponse","value":{"status":501}})");
}

TEST(Activity, AnEmptyTextIsAText) {
  EXPECT_FALSE(Activity::message().has_text());
  EXPECT_TRUE(Activity::message().set_text("").has_text());
  EXPECT_EQ(Activity::message().text(), "");
}

TEST(Activity, SettersReplaceInPlaceAndChain) {
  Activity activity = Activity::message("a").set_locale("en").set_text("b").set_speak("c");
  EXPECT_EQ(text_of(activity), R"({"type":"message","text":"b","locale":"en","speak":"c"})");
}

TEST(Activity, AStringOfTheActivityItselfMayBeSet) {
  Activity activity = Activity::message("short");
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    activity.json().emplace(name, 1);
    activity.set_summary(activity.text()).set_speak(activity.text());
    activity.set_text(activity.text());
  }
  EXPECT_EQ(activity.summary(), "short");
  EXPECT_EQ(activity.speak(), "short");
  EXPECT_EQ(activity.text(), "short");
}

TEST(Activity, CopiesAreIndependent) {
  const Activity original = Activity::message("a");
  Activity copy = original;
  copy.set_text("b");
  EXPECT_EQ(original.text(), "a");
  EXPECT_NE(original, copy);
}

TEST(Activity, EqualityDoesNotDependOnTheOrderOfMembers) {
  EXPECT_EQ(Activity::message("a").set_locale("en"), Activity::of_type("message").set_locale("en").set_text("a"));
}

TEST(Activity, AddingReplacesAListThatIsNone) {
  Activity activity = Activity::message();
  activity.json()["attachments"] = "none";
  activity.add_attachment(tern::Attachment::from_url("a/b", "u", "n"));
  activity.add_attachment(tern::Attachment::hero_card({{"title", "T"}}));
  ASSERT_EQ(activity.attachments().size(), 2u);
  EXPECT_EQ(activity.attachments()[0].name(), "n");
  EXPECT_EQ(activity.attachments()[1].content()->at("title"), json::value("T"));
}

TEST(Activity, MentionsAreTakenOutOfTheText) {
  Activity activity = Activity::message("<at>Bot</at>\u00a0 tell <at>Ann</at> <at>Bot</at> hello \n");
  activity.add_entity(tern::Mention(tern::ChannelAccount("bot1"), "<at>Bot</at>"));
  activity.add_entity(tern::Mention(tern::ChannelAccount("ann"), "<at>Ann</at>"));
  activity.add_entity(tern::Entity().set_type("clientInfo"));
  EXPECT_EQ(activity.text_without_mention("bot1"), "tell <at>Ann</at>  hello");
  EXPECT_EQ(activity.text_without_mention("nobody"), "<at>Bot</at>\u00a0 tell <at>Ann</at> <at>Bot</at> hello");
}

// As SDKs find them.
TEST(Activity, TheTypeOfAMentionMayHaveCapitals) {
  auto activity = Activity::message("<at>Bot</at> hello");
  activity.json()["entities"] = {{{"type", "Mention"}, {"mentioned", {{"id", "bot1"}}}, {"text", "<at>Bot</at>"}}};
  EXPECT_EQ(activity.text_without_mention("bot1"), "hello");
}

TEST(Activity, OddMentionsAreHarmless) {
  const Activity activity(
      json::parse(
          R"({"text":" x ","entities":[1,null,{"type":"mention"},{"type":"mention","mentioned":{"id":"b"}},)"
          R"({"type":"mention","mentioned":{"id":"b"},"text":""},{"type":"mention","mentioned":"b","text":"x"}]})")
          .as_object());
  EXPECT_EQ(activity.text_without_mention("b"), "x");
  EXPECT_EQ(Activity::typing().text_without_mention("b"), "");
}

TEST(Trimmed, TakesWhiteSpaceOffBothEnds) {
  EXPECT_EQ(tern::trimmed(""), "");
  EXPECT_EQ(tern::trimmed(" \t\r\n"), "");
  EXPECT_EQ(tern::trimmed("  a b \n"), "a b");
  EXPECT_EQ(tern::trimmed("\u00a0\u3000\ufeffa\u2003\u2029"), "a");
  EXPECT_EQ(tern::trimmed("\u00e9 \u00e0"), "\u00e9 \u00e0") << "U+00E0 ends in the byte A0";
}

}  // namespace
