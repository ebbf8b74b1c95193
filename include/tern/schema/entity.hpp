#pragma once

#include <tern/schema/channel_account.hpp>
#include <tern/schema/json_object.hpp>

namespace tern {

class Mention;

/// Metadata about an activity: a mention, a place, the client. What it holds depends on its type.
/// Source: Activity Protocol, "Entity".
class Entity : public JsonObject {
 public:
  Entity() = default;
  explicit Entity(json::object fields) noexcept : JsonObject(std::move(fields)) {}

  std::optional<std::string_view> type() const noexcept { return string_at("type"); }
  /// This entity as a mention; nullopt when it is of another type.
  std::optional<Mention> as_mention() const;

  Entity& set_type(std::string_view value) {
    set("type", value);
    return *this;
  }
  /// Sets a member that the entity's own type names.
  Entity& set_member(std::string_view name, json::value value) {
    set(name, std::move(value));
    return *this;
  }
};

/// Who is mentioned, and the piece of the activity's text that does it.
/// Source: Activity Protocol, "Mention".
class Mention : public Entity {
 public:
  static constexpr std::string_view type_name = "mention";

  Mention() { set_type(type_name); }
  explicit Mention(json::object fields) noexcept : Entity(std::move(fields)) {}
  /// `text` must stand in the activity's text just so, for instance `<at>Ann</at>`.
  Mention(ChannelAccount mentioned, std::string_view text);

  std::optional<ChannelAccount> mentioned() const { return typed_at<ChannelAccount>("mentioned"); }
  /// The id of who is mentioned, without a copy.
  std::optional<std::string_view> mentioned_id() const noexcept { return id_at("mentioned"); }
  std::optional<std::string_view> text() const noexcept { return string_at("text"); }
};

}  // namespace tern
