#pragma once

#include <tern/schema/channel_account.hpp>
#include <tern/schema/conversation_account.hpp>
#include <tern/schema/json_object.hpp>

namespace tern {

/// A conversation as a bot can find it again: channel, service, conversation, the user and the bot in it.
/// Source: Activity Protocol, "Conversation reference".
class ConversationReference : public JsonObject {
 public:
  /// Without members.
  ConversationReference() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit ConversationReference(json::object fields) noexcept : JsonObject(std::move(fields)) {}

  ///@{
  /// The member of this name, in the protocol's camelCase; nullopt when it is absent.
  std::optional<std::string_view> activity_id() const noexcept { return string_at("activityId"); }
  std::optional<std::string_view> channel_id() const noexcept { return string_at("channelId"); }
  std::optional<std::string_view> service_url() const noexcept { return string_at("serviceUrl"); }
  std::optional<std::string_view> locale() const noexcept { return string_at("locale"); }
  std::optional<ChannelAccount> user() const { return typed_at<ChannelAccount>("user"); }
  std::optional<ChannelAccount> bot() const { return typed_at<ChannelAccount>("bot"); }
  std::optional<ConversationAccount> conversation() const { return typed_at<ConversationAccount>("conversation"); }
  ///@}
  ///@{
  /// The `id` of the account or conversation, without a copy of what is around it.
  std::optional<std::string_view> user_id() const noexcept { return id_at("user"); }
  std::optional<std::string_view> bot_id() const noexcept { return id_at("bot"); }
  std::optional<std::string_view> conversation_id() const noexcept { return id_at("conversation"); }
  ///@}

  ///@{
  /// Sets the member of this name, in the protocol's camelCase.
  ConversationReference& set_activity_id(std::string_view value);
  ConversationReference& set_channel_id(std::string_view value);
  ConversationReference& set_service_url(std::string_view value);
  ConversationReference& set_locale(std::string_view value);
  ConversationReference& set_user(ChannelAccount value);
  ConversationReference& set_bot(ChannelAccount value);
  ConversationReference& set_conversation(ConversationAccount value);
  ///@}

  /// A copy without the activity id: a proactive send is no reply.
  ConversationReference without_activity() const;
};

}  // namespace tern
