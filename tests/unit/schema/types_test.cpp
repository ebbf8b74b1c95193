// Each property that the protocol's schema names has an accessor, which reads it and nothing else.

#include <tern/schema/activity.hpp>
#include <tern/schema/conversation_parameters.hpp>
#include <tern/schema/invoke_response.hpp>
#include <tern/schema/resource_response.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

namespace {

namespace json = boost::json;
using tern::Activity;

template <class T>
using Readers = std::map<std::string, std::function<bool(const T&)>>;

/// Sets each property alone: its reader must see it, and no other reader may.
template <class T>
void check_readers(const Readers<T>& readers, const json::object& samples) {
  EXPECT_EQ(readers.size(), samples.size());
  for (const auto& member : samples) {
    const std::string name(member.key());
    ASSERT_TRUE(readers.count(name)) << name << " has no reader";
    json::object fields;
    fields.emplace(member.key(), member.value());
    const T object(std::move(fields));
    for (const auto& [reader, sees] : readers) {
      EXPECT_EQ(sees(object), reader == name) << reader << " with " << name;
    }
  }
}

TEST(Types, ActivityReadsEveryProperty) {
  const Readers<Activity> readers = {
      {"type", [](const Activity& a) { return a.type() == "t"; }},
      {"id", [](const Activity& a) { return a.id() == "t"; }},
      {"timestamp", [](const Activity& a) { return a.timestamp().has_value(); }},
      {"localTimestamp", [](const Activity& a) { return a.local_timestamp().has_value(); }},
      {"expiration", [](const Activity& a) { return a.expiration().has_value(); }},
      {"localTimezone", [](const Activity& a) { return a.local_timezone() == "t"; }},
      {"callerId", [](const Activity& a) { return a.caller_id() == "t"; }},
      {"serviceUrl", [](const Activity& a) { return a.service_url() == "t"; }},
      {"channelId", [](const Activity& a) { return a.channel_id() == "t"; }},
      {"from", [](const Activity& a) { return a.from() && a.from_id() == "i"; }},
      {"conversation", [](const Activity& a) { return a.conversation() && a.conversation_id() == "i"; }},
      {"recipient", [](const Activity& a) { return a.recipient() && a.recipient_id() == "i"; }},
      {"textFormat", [](const Activity& a) { return a.text_format() == "t"; }},
      {"attachmentLayout", [](const Activity& a) { return a.attachment_layout() == "t"; }},
      {"membersAdded", [](const Activity& a) { return a.members_added().size() == 1; }},
      {"membersRemoved", [](const Activity& a) { return a.members_removed().size() == 1; }},
      {"reactionsAdded", [](const Activity& a) { return a.reactions_added().size() == 1; }},
      {"reactionsRemoved", [](const Activity& a) { return a.reactions_removed().size() == 1; }},
      {"topicName", [](const Activity& a) { return a.topic_name() == "t"; }},
      {"historyDisclosed", [](const Activity& a) { return a.history_disclosed() == true; }},
      {"locale", [](const Activity& a) { return a.locale() == "t"; }},
      {"text", [](const Activity& a) { return a.has_text() && a.text() == "t"; }},
      {"speak", [](const Activity& a) { return a.speak() == "t"; }},
      {"inputHint", [](const Activity& a) { return a.input_hint() == "t"; }},
      {"summary", [](const Activity& a) { return a.summary() == "t"; }},
      {"suggestedActions", [](const Activity& a) { return a.suggested_actions().has_value(); }},
      {"attachments", [](const Activity& a) { return a.attachments().size() == 1; }},
      {"entities", [](const Activity& a) { return a.entities().size() == 1; }},
      {"channelData", [](const Activity& a) { return a.channel_data() != nullptr; }},
      {"action", [](const Activity& a) { return a.action() == "t"; }},
      {"replyToId", [](const Activity& a) { return a.reply_to_id() == "t"; }},
      {"label", [](const Activity& a) { return a.label() == "t"; }},
      {"valueType", [](const Activity& a) { return a.value_type() == "t"; }},
      {"value", [](const Activity& a) { return a.value() != nullptr; }},
      {"name", [](const Activity& a) { return a.name() == "t"; }},
      {"relatesTo", [](const Activity& a) { return a.relates_to() && a.relates_to()->user_id() == "i"; }},
      {"code", [](const Activity& a) { return a.code() == "t"; }},
      {"importance", [](const Activity& a) { return a.importance() == "t"; }},
      {"deliveryMode", [](const Activity& a) { return a.delivery_mode() == "t"; }},
      {"listenFor", [](const Activity& a) { return a.listen_for() == std::vector<std::string>{"p"}; }},
      {"textHighlights", [](const Activity& a) { return a.text_highlights() != nullptr; }},
      {"semanticAction", [](const Activity& a) { return a.semantic_action() != nullptr; }},
  };
  json::object samples;
  for (const auto& entry : readers) {
    samples[entry.first] = "t";
  }
  for (const char* name : {"from", "conversation", "recipient", "suggestedActions", "semanticAction"}) {
    samples[name] = json::object{{"id", "i"}};
  }
  for (const char* name : {"membersAdded", "membersRemoved", "reactionsAdded", "reactionsRemoved", "attachments",
                           "entities", "textHighlights"}) {
    samples[name] = json::array{json::object{{"id", "i"}}, 5};
  }
  for (const char* name : {"timestamp", "localTimestamp", "expiration"}) {
    samples[name] = "2026-11-22T10:00:00Z";
  }
  samples["historyDisclosed"] = true;
  samples["relatesTo"] = json::object{{"user", json::object{{"id", "i"}}}};
  samples["listenFor"] = json::array{"p", 5};
  check_readers(readers, samples);
}

TEST(Types, AccountsReadEveryProperty) {
  using tern::ChannelAccount;
  using tern::ConversationAccount;
  check_readers<ChannelAccount>({{"id", [](const ChannelAccount& a) { return a.id() == "t"; }},
                                 {"name", [](const ChannelAccount& a) { return a.name() == "t"; }},
                                 {"aadObjectId", [](const ChannelAccount& a) { return a.aad_object_id() == "t"; }},
                                 {"role", [](const ChannelAccount& a) { return a.role() == "t"; }}},
                                {{"id", "t"}, {"name", "t"}, {"aadObjectId", "t"}, {"role", "t"}});
  check_readers<ConversationAccount>(
      {{"id", [](const ConversationAccount& a) { return a.id() == "t"; }},
       {"name", [](const ConversationAccount& a) { return a.name() == "t"; }},
       {"isGroup", [](const ConversationAccount& a) { return a.is_group() == false; }},
       {"conversationType", [](const ConversationAccount& a) { return a.conversation_type() == "t"; }},
       {"tenantId", [](const ConversationAccount& a) { return a.tenant_id() == "t"; }},
       {"aadObjectId", [](const ConversationAccount& a) { return a.aad_object_id() == "t"; }},
       {"role", [](const ConversationAccount& a) { return a.role() == "t"; }}},
      {{"id", "t"},
       {"name", "t"},
       {"isGroup", false},
       {"conversationType", "t"},
       {"tenantId", "t"},
       {"aadObjectId", "t"},
       {"role", "t"}});
}

TEST(Types, AttachmentAndActionsReadEveryProperty) {
  using tern::Attachment;
  using tern::CardAction;
  check_readers<Attachment>(
      {{"contentType", [](const Attachment& a) { return a.content_type() == "t"; }},
       {"contentUrl", [](const Attachment& a) { return a.content_url() == "t"; }},
       {"content", [](const Attachment& a) { return a.content() != nullptr; }},
       {"name", [](const Attachment& a) { return a.name() == "t"; }},
       {"thumbnailUrl", [](const Attachment& a) { return a.thumbnail_url() == "t"; }}},
      {{"contentType", "t"}, {"contentUrl", "t"}, {"content", nullptr}, {"name", "t"}, {"thumbnailUrl", "t"}});
  check_readers<CardAction>({{"type", [](const CardAction& a) { return a.type() == "t"; }},
                             {"title", [](const CardAction& a) { return a.title() == "t"; }},
                             {"image", [](const CardAction& a) { return a.image() == "t"; }},
                             {"imageAltText", [](const CardAction& a) { return a.image_alt_text() == "t"; }},
                             {"text", [](const CardAction& a) { return a.text() == "t"; }},
                             {"displayText", [](const CardAction& a) { return a.display_text() == "t"; }},
                             {"value", [](const CardAction& a) { return a.value() != nullptr; }},
                             {"channelData", [](const CardAction& a) { return a.channel_data() != nullptr; }}},
                            {{"type", "t"},
                             {"title", "t"},
                             {"image", "t"},
                             {"imageAltText", "t"},
                             {"text", "t"},
                             {"displayText", "t"},
                             {"value", 1},
                             {"channelData", 1}});
}

TEST(Types, ConversationParametersReadBackWhatIsSet) {
  tern::ConversationParameters parameters;
  parameters.set_is_group(false)
      .set_bot(tern::ChannelAccount("bot1"))
      .add_member(tern::ChannelAccount("user1"))
      .set_topic_name("topic")
      .set_tenant_id("tenant")
      .set_activity(Activity::message("hi"))
      .set_channel_data(json::object{{"x", 1}});
  EXPECT_EQ(json::serialize(parameters.json()),
            R"({"isGroup":false,"bot":{"id":"bot1"},"members":[{"id":"user1"}],"topicName":"topic",)"
            R"("tenantId":"tenant","activity":{"type":"message","text":"hi"},"channelData":{"x":1}})");
  EXPECT_EQ(parameters.is_group(), false);
  EXPECT_EQ(parameters.bot()->id(), "bot1");
  EXPECT_EQ(parameters.members().at(0).id(), "user1");
  EXPECT_EQ(parameters.topic_name(), "topic");
  EXPECT_EQ(parameters.tenant_id(), "tenant");
  EXPECT_EQ(parameters.activity()->text(), "hi");
  EXPECT_EQ(parameters.channel_data()->at("x"), json::value(1));
}

TEST(Types, SuggestedActionsHoldButtonsAndReceivers) {
  tern::SuggestedActions actions({tern::CardAction::im_back("a")});
  actions.add_action(tern::CardAction::post_back("b", json::object{{"k", 1}})).add_to("user1");
  actions.add_action(tern::CardAction::open_url("c", "https://h"));
  EXPECT_EQ(json::serialize(actions.json()),
            R"({"actions":[{"type":"imBack","title":"a","value":"a"},{"type":"postBack","title":"b","value":{"k":1}},)"
            R"({"type":"openUrl","title":"c","value":"https://h"}],"to":["user1"]})");
  EXPECT_EQ(actions.to(), std::vector<std::string>{"user1"});
  EXPECT_EQ(actions.actions().size(), 3u);
}

TEST(Types, CardsAreTheirContent) {
  const auto hero = tern::Attachment::hero_card(
      {{"title", "T"}, {"buttons", json::array{tern::CardAction::im_back("Yes", "yes").json()}}});
  EXPECT_EQ(json::serialize(hero.json()),
            R"({"contentType":"application/vnd.microsoft.card.hero","content":{"title":"T",)"
            R"("buttons":[{"type":"imBack","title":"Yes","value":"yes"}]}})");
  const auto adaptive = tern::Attachment::adaptive_card({{"version", "1.5"}, {"body", json::array{}}});
  EXPECT_EQ(adaptive.content_type(), tern::content_types::adaptive_card);
  EXPECT_EQ(adaptive.content()->at("type"), json::value("AdaptiveCard"));
  EXPECT_EQ(tern::Attachment::adaptive_card({{"type", "AdaptiveCard"}}).content()->as_object().size(), 1u);
}

TEST(Types, MentionIsAnEntityOfItsType) {
  const tern::Entity entity = tern::Mention(tern::ChannelAccount("u", "Ann"), "<at>Ann</at>");
  EXPECT_EQ(json::serialize(entity.json()),
            R"({"type":"mention","mentioned":{"id":"u","name":"Ann"},"text":"<at>Ann</at>"})");
  ASSERT_TRUE(entity.as_mention());
  EXPECT_EQ(entity.as_mention()->mentioned()->name(), "Ann");
  EXPECT_EQ(entity.as_mention()->text(), "<at>Ann</at>");
  EXPECT_FALSE(tern::Entity().set_type("place").as_mention());
  EXPECT_FALSE(tern::Entity().as_mention());
}

TEST(Types, ResponsesHaveAnIdOrNot) {
  EXPECT_FALSE(tern::ResourceResponse().id());
  EXPECT_EQ(tern::ResourceResponse("x").id(), "x");
  const auto made = tern::ConversationResourceResponse("c").set_activity_id("a").set_service_url("s");
  EXPECT_EQ(made.id(), "c");
  EXPECT_EQ(made.activity_id(), "a");
  EXPECT_EQ(made.service_url(), "s");
}

TEST(Types, InvokeResponseIsAStatusAndABody) {
  EXPECT_EQ(tern::InvokeResponse().status, 200);
  EXPECT_TRUE(tern::InvokeResponse(404).body.is_null());
  EXPECT_EQ(tern::InvokeResponse(200, json::object{{"a", 1}}).body.at("a"), json::value(1));
}

TEST(Types, FlagsAreNotTakenForTexts) {
  EXPECT_EQ(json::serialize(tern::ConversationAccount("c").set_is_group(true).json()), R"({"id":"c","isGroup":true})");
  EXPECT_EQ(tern::MessageReaction("like").type(), tern::reaction_types::like);
}

}  // namespace
