// What a user says to a bot that must be mentioned.

#include <tern/schema/activity.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tern {
namespace {

Activity said(const std::string& text, const std::string& entities, const std::string& recipient = "28:b") {
  json::object fields;
  fields["type"] = "message";
  fields["text"] = text;
  fields["recipient"] = {{"id", recipient}};
  fields["entities"] = json::parse("[" + entities + "]");
  return Activity(std::move(fields));
}

std::string mention(const std::string& id, const std::string& name, const std::string& text = {}) {
  json::object fields{{"type", "mention"}, {"mentioned", {{"id", id}, {"name", name}}}};
  if (!text.empty()) {
    fields["text"] = text;
  }
  return json::serialize(fields);
}

TEST(Mentions, OneWithoutATextIsKnownByItsName) {
  const auto activity =
      said("<at>Bot (x)</at> tell <at>B</at>", mention("28:b", "Bot (x)") + "," + mention("29:a", "B", "<at>B</at>"));
  EXPECT_EQ(activity.text_without_recipient_mention(), "tell <at>B</at>");
  EXPECT_EQ(activity.text_without_mention("29:a"), "<at>Bot (x)</at> tell");
}

TEST(Mentions, NamesMayHoldAnyCharacters) {
  for (const std::string name : {"a.b", "[bot]", "$^*+?", "(", "back\\slash", "{1,2}", "|", "\u00fcber bot"}) {
    EXPECT_EQ(said("<at>" + name + "</at> go", mention("28:b", name)).text_without_recipient_mention(), "go") << name;
    EXPECT_EQ(said("<at>ab</at> go", mention("28:b", name)).text_without_recipient_mention(), "<at>ab</at> go") << name;
  }
  EXPECT_EQ(said("<at>R&amp;D &lt;1&gt;</at> go", mention("28:b", "R&D <1>")).text_without_recipient_mention(), "go");
}

TEST(Mentions, OfTheBotGoWhereverTheyStand) {
  const auto twice = mention("28:b", "Bot") + "," + mention("28:b", "Bot");
  EXPECT_EQ(said("<at>Bot</at> hey <at>Bot</at>", twice).text_without_recipient_mention(), "hey");
  EXPECT_EQ(said("<at>Bot</at> hey <at>Bot</at>", mention("28:b", "Bot")).text_without_recipient_mention(), "hey");
  EXPECT_EQ(said("<at id=\"0\">Bot</at>&nbsp;start 3", mention("28:b", "Bot")).text_without_recipient_mention(),
            "start 3");
  EXPECT_EQ(said("start 3\n<at>Bot</at>\u00a0", mention("28:b", "Bot")).text_without_recipient_mention(), "start 3");
}

TEST(Mentions, TheBotsIdMayBeInOtherLetters) {
  const auto activity = said("<at>Bot</at> go", mention("28:ABC-def", "Bot"), "28:abc-DEF");
  EXPECT_EQ(activity.text_without_recipient_mention(), "go");
  EXPECT_EQ(activity.text_without_mention("28:abc-de"), "<at>Bot</at> go");
}

TEST(Mentions, OfOthersStayThoughTheyHaveTheBotsName) {
  const auto both = mention("28:b", "Bot") + "," + mention("29:a", "Bot");
  EXPECT_EQ(said("<at>Bot</at> tell <at>Bot</at>", both).text_without_recipient_mention(), "tell <at>Bot</at>");
  EXPECT_EQ(said("@Bottom ask @Bot", mention("29:a", "Bottom", "@Bottom") + "," + mention("28:b", "Bot", "@Bot"))
                .text_without_recipient_mention(),
            "@Bottom ask");
  EXPECT_EQ(said("@Bot ask @Bottom", mention("28:b", "Bot", "@Bot") + "," + mention("29:a", "Bottom", "@Bottom"))
                .text_without_recipient_mention(),
            "ask @Bottom");
}

TEST(Mentions, ATextThatDoesNotStandThereIsLookedForByTheName) {
  EXPECT_EQ(said("<at>Bot</at> go", mention("28:b", "Bot", "<at>Other</at>")).text_without_recipient_mention(), "go");
  EXPECT_EQ(said("Bot, go", mention("28:b", "Bot")).text_without_recipient_mention(), "Bot, go")
      << "a name alone is a word";
}

TEST(Mentions, ABotWithoutAnIdIsMentionedByNobody) {
  Activity activity = said("<at>Bot</at> go ", mention("", "Bot"));
  activity.json().erase("recipient");
  EXPECT_EQ(activity.text_without_recipient_mention(), "<at>Bot</at> go");
}

// A stranger chooses the text: whatever it is, the time that it takes grows with its length, not with its square.
TEST(Mentions, ManyBeginningsOfMentionsCostLittle) {
  std::string text;
  std::string entities = mention("28:b", "Bot");
  for (int i = 0; i < 40'000; ++i) {
    text += "<at ";
  }
  for (int i = 0; i < 1'000; ++i) {
    entities += "," + mention("29:" + std::to_string(i), "n" + std::to_string(i));
  }
  EXPECT_EQ(said(text + "<at>Bot</at>", entities).text_without_recipient_mention(), trimmed(text));
}

}  // namespace
}  // namespace tern
