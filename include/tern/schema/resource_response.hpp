#pragma once

#include <tern/schema/json_object.hpp>

namespace tern {

/// The answer of a channel to an activity that was sent: the id that the channel gave it, if it gives ids.
/// Source: Bot Connector API, "ResourceResponse".
class ResourceResponse : public JsonObject {
 public:
  /// Without members.
  ResourceResponse() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit ResourceResponse(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  /// With this id.
  explicit ResourceResponse(std::string_view id) { set_id(id); }

  /// The id that the channel gave; nullopt when it gave none.
  std::optional<std::string_view> id() const noexcept { return string_at("id"); }
  /// Sets the id.
  ResourceResponse& set_id(std::string_view value) {
    set("id", value);
    return *this;
  }
};

/// The answer of a channel to `create_conversation`.
/// Source: Bot Connector API, "ConversationResourceResponse".
class ConversationResourceResponse : public JsonObject {
 public:
  /// Without members.
  ConversationResourceResponse() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit ConversationResourceResponse(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  /// With this id.
  explicit ConversationResourceResponse(std::string_view id) { set_id(id); }

  /// The id of the new conversation.
  std::optional<std::string_view> id() const noexcept { return string_at("id"); }
  /// The id of the activity that opened it, if one was sent along.
  std::optional<std::string_view> activity_id() const noexcept { return string_at("activityId"); }
  /// Where to send from now on, if it is elsewhere.
  std::optional<std::string_view> service_url() const noexcept { return string_at("serviceUrl"); }

  ///@{
  /// Sets the member of this name, in the protocol's camelCase.
  ConversationResourceResponse& set_id(std::string_view value) { return put("id", value); }
  ConversationResourceResponse& set_activity_id(std::string_view value) { return put("activityId", value); }
  ConversationResourceResponse& set_service_url(std::string_view value) { return put("serviceUrl", value); }
  ///@}

 private:
  ConversationResourceResponse& put(std::string_view name, std::string_view value) {
    set(name, value);
    return *this;
  }
};

}  // namespace tern
