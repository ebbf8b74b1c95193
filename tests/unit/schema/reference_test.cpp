#include <tern/schema/activity.hpp>
#include <tern/schema/parse.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

namespace {

namespace json = boost::json;
using tern::Activity;
using tern::ConversationReference;

Activity incoming() {
  return Activity(
      json::parse(
          R"({"type":"message","id":"act-1","channelId":"emulator","serviceUrl":"http://localhost:9999",)"
          R"("from":{"id":"user1","name":"User","role":"user","x":1},"conversation":{"id":"conv1","tenantId":"t"},)"
          R"("recipient":{"id":"bot1","name":"Bot","role":"bot"},"text":"hello","locale":"en-US"})")
          .as_object());
}

TEST(Reference, HoldsBothSidesAsTheBotSeesThem) {
  const ConversationReference reference = incoming().reference();
  EXPECT_EQ(json::serialize(reference.json()),
            R"({"activityId":"act-1","user":{"id":"user1","name":"User","role":"user","x":1},)"
            R"("bot":{"id":"bot1","name":"Bot","role":"bot"},"conversation":{"id":"conv1","tenantId":"t"},)"
            R"("channelId":"emulator","locale":"en-US","serviceUrl":"http://localhost:9999"})");
  EXPECT_EQ(reference.user_id(), "user1");
  EXPECT_EQ(reference.bot_id(), "bot1");
  EXPECT_EQ(reference.conversation_id(), "conv1");
  EXPECT_EQ(reference.activity_id(), "act-1");
}

TEST(Reference, WhatIsMissingOrOfTheWrongTypeIsAbsent) {
  EXPECT_TRUE(Activity().reference().empty());
  const Activity odd(json::parse(R"({"id":1,"from":"me","conversation":{"id":"c"},"recipient":null})").as_object());
  EXPECT_EQ(json::serialize(odd.reference().json()), R"({"conversation":{"id":"c"}})");
}

TEST(Reference, WithoutActivityKeepsTheRest) {
  const ConversationReference reference = incoming().reference();
  const ConversationReference later = reference.without_activity();
  EXPECT_FALSE(later.activity_id());
  EXPECT_TRUE(reference.activity_id());
  EXPECT_EQ(later.json().begin()->key(), "user");
  EXPECT_EQ(later.json().size(), reference.json().size() - 1);
}

TEST(ApplyReference, AReplyLooksAsTheSdksDo) {
  Activity reply = Activity::message("Echo: hello");
  reply.apply_reference(incoming().reference(), true);
  const json::value expected = json::parse(
      R"({"type":"message","serviceUrl":"http://localhost:9999","channelId":"emulator",)"
      R"("from":{"id":"bot1","name":"Bot","role":"bot"},"conversation":{"id":"conv1","tenantId":"t"},)"
      R"("recipient":{"id":"user1","name":"User","role":"user","x":1},"locale":"en-US","text":"Echo: hello",)"
      R"("inputHint":"acceptingInput","replyToId":"act-1"})");
  EXPECT_EQ(json::value(reply.json()), expected) << json::serialize(reply.json());
}

TEST(ApplyReference, AProactiveSendCarriesNoReplyToId) {
  Activity activity = Activity::message("later");
  activity.apply_reference(incoming().reference(), false);
  EXPECT_FALSE(activity.reply_to_id());
  Activity asked = Activity::message("later").set_reply_to_id("act-0");
  asked.apply_reference(incoming().reference(), false);
  EXPECT_EQ(asked.reply_to_id(), "act-0");
}

TEST(ApplyReference, AReplyWithoutAnActivityIdHasNone) {
  Activity activity = Activity::message("later");
  activity.apply_reference(incoming().reference().without_activity(), true);
  EXPECT_FALSE(activity.reply_to_id());
}

TEST(ApplyReference, NeverSendsAnId) {
  Activity activity = incoming();
  activity.apply_reference(incoming().reference(), true);
  EXPECT_FALSE(activity.id());
  EXPECT_EQ(activity.from_id(), "bot1") << "an incoming activity that is sent back goes the other way";
  EXPECT_EQ(activity.recipient_id(), "user1");
}

TEST(ApplyReference, KeepsLocaleAndInputHintThatAreSet) {
  Activity activity = Activity::message("x").set_locale("de-DE").set_input_hint(tern::input_hints::expecting_input);
  activity.apply_reference(incoming().reference(), true);
  EXPECT_EQ(activity.locale(), "de-DE");
  EXPECT_EQ(activity.input_hint(), tern::input_hints::expecting_input);
}

TEST(ApplyReference, OnlyMessagesGetAnInputHint) {
  Activity activity = Activity::typing();
  activity.apply_reference(incoming().reference(), true);
  EXPECT_FALSE(activity.input_hint());
}

TEST(ApplyReference, AbsentPartsStayAbsent) {
  ConversationReference reference;
  reference.set_conversation(tern::ConversationAccount("c"));
  Activity activity = Activity::typing();
  activity.apply_reference(reference, true);
  EXPECT_EQ(json::serialize(activity.json()), R"({"type":"typing","conversation":{"id":"c"}})");
}

TEST(ApplyReference, TheReferenceIsNotTouchedAndCopiesAreIndependent) {
  const ConversationReference reference = incoming().reference();
  const ConversationReference before = reference;
  Activity activity = Activity::message("x");
  activity.apply_reference(reference, true);
  activity.json()["conversation"].as_object()["id"] = "other";
  EXPECT_EQ(reference, before);
}

TEST(ConversationReference, SettersChainAndReadBack) {
  const ConversationReference reference = ConversationReference()
                                              .set_activity_id("a")
                                              .set_channel_id(tern::channels::msteams)
                                              .set_service_url("https://h/")
                                              .set_locale("en")
                                              .set_user(tern::ChannelAccount("u", "U"))
                                              .set_bot(tern::ChannelAccount("b"))
                                              .set_conversation(tern::ConversationAccount("c"));
  EXPECT_EQ(reference.activity_id(), "a");
  EXPECT_EQ(reference.channel_id(), "msteams");
  EXPECT_EQ(reference.service_url(), "https://h/");
  EXPECT_EQ(reference.locale(), "en");
  EXPECT_EQ(reference.user()->name(), "U");
  EXPECT_EQ(reference.bot()->id(), "b");
  EXPECT_EQ(reference.conversation()->id(), "c");
}

}  // namespace
