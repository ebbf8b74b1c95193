#pragma once

#include <tern/schema/activity.hpp>

namespace tern {

/// What a channel needs to open a conversation. Teams 1:1 needs `isGroup: false`, one member and the tenant id.
/// Source: Bot Connector API, "ConversationParameters".
class ConversationParameters : public JsonObject {
 public:
  /// Without members.
  ConversationParameters() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit ConversationParameters(json::object fields) noexcept : JsonObject(std::move(fields)) {}

  ///@{
  /// The member of this name, in the protocol's camelCase; nullopt, or an empty list, when it is absent.
  std::optional<bool> is_group() const noexcept { return bool_at("isGroup"); }
  std::optional<ChannelAccount> bot() const { return typed_at<ChannelAccount>("bot"); }
  std::vector<ChannelAccount> members() const { return list_at<ChannelAccount>("members"); }
  std::optional<std::string_view> topic_name() const noexcept { return string_at("topicName"); }
  std::optional<std::string_view> tenant_id() const noexcept { return string_at("tenantId"); }
  ///@}
  /// The first activity of the conversation, sent along.
  std::optional<Activity> activity() const { return typed_at<Activity>("activity"); }
  /// As it was set; nullptr when absent.
  const json::value* channel_data() const noexcept { return value_at("channelData"); }

  ///@{
  /// Sets the member of this name, in the protocol's camelCase; `add_member` adds to `members`.
  ConversationParameters& set_is_group(bool value) {
    set("isGroup", value);
    return *this;
  }
  ConversationParameters& set_bot(ChannelAccount value) {
    set_object("bot", std::move(value));
    return *this;
  }
  ConversationParameters& set_members(std::vector<ChannelAccount> values) {
    set_list("members", std::move(values));
    return *this;
  }
  ConversationParameters& add_member(ChannelAccount value) {
    append("members", json::value(std::move(value).json()));
    return *this;
  }
  ConversationParameters& set_topic_name(std::string_view value) {
    set("topicName", value);
    return *this;
  }
  ConversationParameters& set_tenant_id(std::string_view value) {
    set("tenantId", value);
    return *this;
  }
  ConversationParameters& set_activity(Activity value) {
    set_object("activity", std::move(value));
    return *this;
  }
  ConversationParameters& set_channel_data(json::value value) {
    set("channelData", std::move(value));
    return *this;
  }
  ///@}
};

}  // namespace tern
