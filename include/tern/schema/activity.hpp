#pragma once

#include <tern/schema/activity_types.hpp>
#include <tern/schema/attachment.hpp>
#include <tern/schema/channel_account.hpp>
#include <tern/schema/conversation_account.hpp>
#include <tern/schema/conversation_reference.hpp>
#include <tern/schema/entity.hpp>
#include <tern/schema/json_object.hpp>
#include <tern/schema/message_reaction.hpp>
#include <tern/schema/suggested_actions.hpp>
#include <tern/schema/timestamp.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern {

/// One thing that happens in a conversation: a message, an event, a member who joins, typing.
///
/// Reading a member that is absent, or has another type than the protocol's, yields `std::nullopt` (a list: empty).
/// Setters return the activity, so that calls chain. Views live until the member is changed.
/// Thread safety: like a `std::string`.
/// Source: Activity Protocol, "Basic activity structure".
class Activity : public JsonObject {
 public:
  /// Without members.
  Activity() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit Activity(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  /// An activity of any type.
  static Activity of_type(std::string_view type);
  ///@{
  /// An activity of the type that the function is named after.
  static Activity message(std::string_view text = {});
  static Activity message(Attachment attachment);
  static Activity typing();
  static Activity event(std::string_view name, json::value value = nullptr);
  ///@}
  /// A `trace`: the emulator shows it, and no other channel is sent it.
  static Activity trace(std::string_view name, json::value value = nullptr, std::string_view value_type = {},
                        std::string_view label = {});
  /// A pause among the activities of one `send_many`; not sent itself.
  static Activity delay(std::chrono::milliseconds duration);
  /// An `endOfConversation`. `code`: one of `end_of_conversation_codes`, or "" for none.
  static Activity end_of_conversation(std::string_view code = {});
  /// An `invokeResponse`: the HTTP status and the body of the answer to an invoke.
  static Activity invoke_response(int status, json::value body = nullptr);

  /// The type, "" when there is none (such an activity is refused on arrival).
  std::string_view type() const noexcept { return string_at("type").value_or(std::string_view{}); }
  /// Whether this is the type; see `activity_types`.
  bool is(std::string_view type_name) const noexcept { return type() == type_name; }
  /// The text; a message without text and one with an empty text read alike. See `has_text`.
  std::string_view text() const noexcept { return string_at("text").value_or(std::string_view{}); }
  /// Whether there is a text, though it may be empty.
  bool has_text() const noexcept { return string_at("text").has_value(); }

  ///@{
  /// The member of this name, in the protocol's camelCase (`channel_id` reads `channelId`); nullopt when it is absent.
  std::optional<std::string_view> id() const noexcept { return string_at("id"); }
  std::optional<std::string_view> channel_id() const noexcept { return string_at("channelId"); }
  std::optional<std::string_view> service_url() const noexcept { return string_at("serviceUrl"); }
  std::optional<std::string_view> reply_to_id() const noexcept { return string_at("replyToId"); }
  std::optional<std::string_view> delivery_mode() const noexcept { return string_at("deliveryMode"); }
  std::optional<std::string_view> locale() const noexcept { return string_at("locale"); }
  std::optional<std::string_view> name() const noexcept { return string_at("name"); }
  std::optional<std::string_view> action() const noexcept { return string_at("action"); }
  std::optional<std::string_view> code() const noexcept { return string_at("code"); }
  std::optional<std::string_view> label() const noexcept { return string_at("label"); }
  std::optional<std::string_view> value_type() const noexcept { return string_at("valueType"); }
  std::optional<std::string_view> text_format() const noexcept { return string_at("textFormat"); }
  std::optional<std::string_view> attachment_layout() const noexcept { return string_at("attachmentLayout"); }
  std::optional<std::string_view> input_hint() const noexcept { return string_at("inputHint"); }
  std::optional<std::string_view> speak() const noexcept { return string_at("speak"); }
  std::optional<std::string_view> summary() const noexcept { return string_at("summary"); }
  std::optional<std::string_view> topic_name() const noexcept { return string_at("topicName"); }
  std::optional<std::string_view> importance() const noexcept { return string_at("importance"); }
  std::optional<std::string_view> caller_id() const noexcept { return string_at("callerId"); }
  std::optional<std::string_view> local_timezone() const noexcept { return string_at("localTimezone"); }
  std::optional<bool> history_disclosed() const noexcept { return bool_at("historyDisclosed"); }
  ///@}

  /// When it was sent; nullopt when absent or not a date. `Timestamp::text` has the text and offset as they came.
  std::optional<Timestamp> timestamp() const { return Timestamp::parse(string_at("timestamp")); }
  /// When it was sent, by the clock of the sender, with its offset; read as `timestamp` is.
  std::optional<Timestamp> local_timestamp() const { return Timestamp::parse(string_at("localTimestamp")); }
  /// When the activity is out of date; read as `timestamp` is.
  std::optional<Timestamp> expiration() const { return Timestamp::parse(string_at("expiration")); }

  ///@{
  /// A copy of the member of this name, in the protocol's camelCase; nullopt, or an empty list, when it is absent.
  std::optional<ChannelAccount> from() const { return typed_at<ChannelAccount>("from"); }
  std::optional<ChannelAccount> recipient() const { return typed_at<ChannelAccount>("recipient"); }
  std::optional<ConversationAccount> conversation() const { return typed_at<ConversationAccount>("conversation"); }
  std::optional<SuggestedActions> suggested_actions() const { return typed_at<SuggestedActions>("suggestedActions"); }
  std::optional<ConversationReference> relates_to() const { return typed_at<ConversationReference>("relatesTo"); }
  std::vector<ChannelAccount> members_added() const;
  std::vector<ChannelAccount> members_removed() const;
  std::vector<MessageReaction> reactions_added() const;
  std::vector<MessageReaction> reactions_removed() const;
  std::vector<Attachment> attachments() const;
  std::vector<Entity> entities() const;
  ///@}
  /// Phrases a speech channel should listen for.
  std::vector<std::string> listen_for() const { return strings_at("listenFor"); }
  ///@{
  /// `textHighlights` and `semanticAction` as they came; nullptr when absent or of another type.
  const json::array* text_highlights() const noexcept { return array_at("textHighlights"); }
  const json::object* semantic_action() const noexcept { return object_at("semanticAction"); }
  ///@}
  ///@{
  /// `value`, `channelData` as they came; nullptr when absent.
  const json::value* value() const noexcept { return value_at("value"); }
  const json::value* channel_data() const noexcept { return value_at("channelData"); }
  ///@}

  ///@{
  /// The `id` of the account or conversation, without a copy of what is around it.
  std::optional<std::string_view> conversation_id() const noexcept { return id_at("conversation"); }
  std::optional<std::string_view> from_id() const noexcept { return id_at("from"); }
  std::optional<std::string_view> recipient_id() const noexcept { return id_at("recipient"); }
  ///@}

  ///@{
  /// Sets the member of this name, in the protocol's camelCase.
  Activity& set_type(std::string_view value) { return put("type", value); }
  Activity& set_id(std::string_view value) { return put("id", value); }
  Activity& set_text(std::string_view value) { return put("text", value); }
  Activity& set_channel_id(std::string_view value) { return put("channelId", value); }
  Activity& set_service_url(std::string_view value) { return put("serviceUrl", value); }
  Activity& set_reply_to_id(std::string_view value) { return put("replyToId", value); }
  Activity& set_delivery_mode(std::string_view value) { return put("deliveryMode", value); }
  Activity& set_locale(std::string_view value) { return put("locale", value); }
  Activity& set_name(std::string_view value) { return put("name", value); }
  Activity& set_text_format(std::string_view value) { return put("textFormat", value); }
  Activity& set_attachment_layout(std::string_view value) { return put("attachmentLayout", value); }
  Activity& set_input_hint(std::string_view value) { return put("inputHint", value); }
  Activity& set_speak(std::string_view value) { return put("speak", value); }
  Activity& set_summary(std::string_view value) { return put("summary", value); }
  Activity& set_importance(std::string_view value) { return put("importance", value); }
  Activity& set_action(std::string_view value) { return put("action", value); }
  Activity& set_code(std::string_view value) { return put("code", value); }
  Activity& set_label(std::string_view value) { return put("label", value); }
  Activity& set_value_type(std::string_view value) { return put("valueType", value); }
  Activity& set_topic_name(std::string_view value) { return put("topicName", value); }
  ///@}
  /// Sets the caller's id, which comes from the claims of the token: `parse_activity` removes a `callerId` that came
  /// with the activity.
  Activity& set_caller_id(std::string_view value) { return put("callerId", value); }
  ///@{
  /// Sets the member of this name, in the protocol's camelCase. A timestamp keeps its text.
  Activity& set_local_timezone(std::string_view value) { return put("localTimezone", value); }
  Activity& set_history_disclosed(bool value);
  Activity& set_value(json::value value);
  Activity& set_channel_data(json::value value);
  Activity& set_timestamp(const Timestamp& value) { return put("timestamp", value.text()); }
  Activity& set_local_timestamp(const Timestamp& value) { return put("localTimestamp", value.text()); }
  Activity& set_expiration(const Timestamp& value) { return put("expiration", value.text()); }
  Activity& set_from(ChannelAccount value);
  Activity& set_recipient(ChannelAccount value);
  Activity& set_conversation(ConversationAccount value);
  Activity& set_suggested_actions(SuggestedActions value);
  Activity& set_relates_to(ConversationReference value);
  Activity& set_members_added(std::vector<ChannelAccount> values);
  Activity& set_members_removed(std::vector<ChannelAccount> values);
  Activity& set_reactions_added(std::vector<MessageReaction> values);
  Activity& set_reactions_removed(std::vector<MessageReaction> values);
  ///@}
  ///@{
  /// Adds to the list, which is made when there is none.
  Activity& add_attachment(Attachment value);
  Activity& add_entity(Entity value);
  ///@}

  /// Where this activity came from, seen from the bot: how to answer it, or to write there later.
  /// Source: Activity Protocol, "Conversation reference".
  ConversationReference reference() const;

  /// Addresses an outgoing activity to `reference`: sets `from` to the bot, `recipient` to the user, `conversation`,
  /// `channelId` and `serviceUrl`. Sets `locale`, and on messages `inputHint` to `acceptingInput`, unless the activity
  /// has them. Removes `id`, which the channel gives. With `reply`, `replyToId` becomes the activity id of the
  /// reference, if it has one; otherwise `replyToId` stays. A member that the reference lacks stays as it is.
  void apply_reference(const ConversationReference& reference, bool reply);

  /// The text without the mentions of `account_id` (entities of type `mention`), trimmed. When the entity has no text,
  /// or its text does not occur in the activity's, the mention is taken to be `<at>NAME</at>`. Ids are compared without
  /// regard to capital letters. Mentions of other accounts stay, also of an account with the same name.
  std::string text_without_mention(std::string_view account_id) const;
  /// The same with the mentions of the recipient. In a group or a channel a user has to mention the bot; this is the
  /// text as the user would say it to the bot alone.
  std::string text_without_recipient_mention() const;

 private:
  friend class ActivityParser;
  Activity(json::object fields, detail::JsonArenaPtr arena) noexcept
      : JsonObject(std::move(fields), std::move(arena)) {}

  Activity& put(std::string_view name, std::string_view value);
};

/// `text` without white space at both ends; Unicode's spaces count, since channels put U+00A0 after a mention.
std::string trimmed(std::string_view text);

}  // namespace tern
