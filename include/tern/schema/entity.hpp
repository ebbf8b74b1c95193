#pragma once

#include <tern/schema/channel_account.hpp>
#include <tern/schema/json_object.hpp>

namespace tern {

class Mention;

/// Metadata about an activity: a mention, a place, the client. What it holds depends on its type.
/// Source: Activity Protocol, "Entity".
class Entity : public JsonObject {
 public:
  /// Without members.
  Entity() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit Entity(json::object fields) noexcept : JsonObject(std::move(fields)) {}

  /// The type, which says which other members there are; nullopt when it is absent.
  std::optional<std::string_view> type() const noexcept { return string_at("type"); }
  /// This entity as a mention; nullopt when it is of another type.
  std::optional<Mention> as_mention() const;

  /// Sets the type.
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

/// A mention: the account that is mentioned, and the piece of the activity's text that mentions it.
/// Source: Activity Protocol, "Mention".
class Mention : public Entity {
 public:
  /// `Entity::type` of a mention.
  static constexpr std::string_view type_name = "mention";

  /// A mention of nobody yet.
  Mention() { set_type(type_name); }
  /// Takes `fields` as they are: nothing is checked.
  explicit Mention(json::object fields) noexcept : Entity(std::move(fields)) {}
  /// `text` has to occur in the activity's text exactly as it is here, for instance `<at>Ann</at>`.
  Mention(ChannelAccount mentioned, std::string_view text);

  /// The account that is mentioned.
  std::optional<ChannelAccount> mentioned() const { return typed_at<ChannelAccount>("mentioned"); }
  /// The id of the account that is mentioned, without a copy.
  std::optional<std::string_view> mentioned_id() const noexcept { return id_at("mentioned"); }
  /// The piece of the activity's text that mentions the account; channels may leave it out.
  std::optional<std::string_view> text() const noexcept { return string_at("text"); }
};

}  // namespace tern
