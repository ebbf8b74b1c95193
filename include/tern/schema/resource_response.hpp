#pragma once

#include <tern/schema/json_object.hpp>

namespace tern {

/// What a channel answers to an activity that was sent: the id it gave, if it gives ids.
/// Source: Bot Connector API, "ResourceResponse".
class ResourceResponse : public JsonObject {
 public:
  ResourceResponse() = default;
  explicit ResourceResponse(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  explicit ResourceResponse(std::string_view id) { set_id(id); }

  std::optional<std::string_view> id() const noexcept { return string_at("id"); }
  ResourceResponse& set_id(std::string_view value) {
    set("id", value);
    return *this;
  }
};

/// What a channel answers to `create_conversation`.
/// Source: Bot Connector API, "ConversationResourceResponse".
class ConversationResourceResponse : public JsonObject {
 public:
  ConversationResourceResponse() = default;
  explicit ConversationResourceResponse(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  explicit ConversationResourceResponse(std::string_view id) { set_id(id); }

  /// The id of the new conversation.
  std::optional<std::string_view> id() const noexcept { return string_at("id"); }
  /// The id of the activity that opened it, if one was sent along.
  std::optional<std::string_view> activity_id() const noexcept { return string_at("activityId"); }
  /// Where to send from now on, if it is elsewhere.
  std::optional<std::string_view> service_url() const noexcept { return string_at("serviceUrl"); }

  ConversationResourceResponse& set_id(std::string_view value) { return put("id", value); }
  ConversationResourceResponse& set_activity_id(std::string_view value) { return put("activityId", value); }
  ConversationResourceResponse& set_service_url(std::string_view value) { return put("serviceUrl", value); }

 private:
  ConversationResourceResponse& put(std::string_view name, std::string_view value) {
    set(name, value);
    return *this;
  }
};

}  // namespace tern
