#pragma once

#include <tern/schema/json_object.hpp>

namespace tern {

/// `MessageReaction::type`; a channel may have more.
namespace reaction_types {
inline constexpr std::string_view like = "like";
inline constexpr std::string_view plus_one = "plusOne";
}  // namespace reaction_types

/// A reaction that someone gave or took back.
/// Source: Activity Protocol, "Message reaction".
class MessageReaction : public JsonObject {
 public:
  MessageReaction() = default;
  explicit MessageReaction(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  explicit MessageReaction(std::string_view type) { set_type(type); }

  std::optional<std::string_view> type() const noexcept { return string_at("type"); }
  MessageReaction& set_type(std::string_view value) {
    set("type", value);
    return *this;
  }
};

}  // namespace tern
