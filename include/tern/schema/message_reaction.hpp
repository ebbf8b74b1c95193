#pragma once

#include <tern/schema/json_object.hpp>

namespace tern {

/// `MessageReaction::type`; a channel may have more.
namespace reaction_types {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view like = "like";
inline constexpr std::string_view plus_one = "plusOne";
///@}
}  // namespace reaction_types

/// A reaction that someone gave or took back.
/// Source: Activity Protocol, "Message reaction".
class MessageReaction : public JsonObject {
 public:
  /// Without members.
  MessageReaction() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit MessageReaction(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  /// A reaction of this type.
  explicit MessageReaction(std::string_view type) { set_type(type); }

  /// The type; nullopt when it is absent.
  std::optional<std::string_view> type() const noexcept { return string_at("type"); }
  /// Sets the type.
  MessageReaction& set_type(std::string_view value) {
    set("type", value);
    return *this;
  }
};

}  // namespace tern
