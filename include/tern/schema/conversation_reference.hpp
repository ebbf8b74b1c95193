#pragma once

#include <tern/schema/channel_account.hpp>
#include <tern/schema/conversation_account.hpp>
#include <tern/schema/json_object.hpp>

namespace tern {

/// A conversation as a bot can find it again: channel, service, conversation, the user and the bot in it.
/// Source: Activity Protocol, "Conversation reference".
class ConversationReference : public JsonObject {
 public:
  ConversationReference() = default;
  explicit ConversationReference(json::object fields) noexcept : JsonObject(std::move(fields)) {}

  std::optional<std::string_view> activity_id() const noexcept { return string_at("activityId"); }
  std::optional<std::string_view> channel_id() const noexcept { return string_at("channelId"); }
  std::optional<std::string_view> service_url() const noexcept { return string_at("serviceUrl"); }
  std::optional<std::string_view> locale() const noexcept { return string_at("locale"); }
  std::optional<ChannelAccount> user() const { return typed_at<ChannelAccount>("user"); }
  std::optional<ChannelAccount> bot() const { return typed_at<ChannelAccount>("bot"); }
  std::optional<ConversationAccount> conversation() const { return typed_at<ConversationAccount>("conversation"); }
  /// Ids without a copy.
  std::optional<std::string_view> user_id() const noexcept { return id_at("user"); }
  std::optional<std::string_view> bot_id() const noexcept { return id_at("bot"); }
  std::optional<std::string_view> conversation_id() const noexcept { return id_at("conversation"); }

  ConversationReference& set_activity_id(std::string_view value);
  ConversationReference& set_channel_id(std::string_view value);
  ConversationReference& set_service_url(std::string_view value);
  ConversationReference& set_locale(std::string_view value);
  ConversationReference& set_user(ChannelAccount value);
  ConversationReference& set_bot(ChannelAccount value);
  ConversationReference& set_conversation(ConversationAccount value);

  /// Without the activity id: a proactive send is no reply.
  ConversationReference without_activity() const;
};

}  // namespace tern
