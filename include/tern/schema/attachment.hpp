#pragma once

#include <tern/schema/json_object.hpp>

namespace tern {

/// `Attachment::content_type` of the cards.
namespace content_types {
///@{
/// The content type of this kind of card.
inline constexpr std::string_view adaptive_card = "application/vnd.microsoft.card.adaptive";
inline constexpr std::string_view animation_card = "application/vnd.microsoft.card.animation";
inline constexpr std::string_view audio_card = "application/vnd.microsoft.card.audio";
inline constexpr std::string_view hero_card = "application/vnd.microsoft.card.hero";
inline constexpr std::string_view oauth_card = "application/vnd.microsoft.card.oauth";
inline constexpr std::string_view receipt_card = "application/vnd.microsoft.card.receipt";
inline constexpr std::string_view signin_card = "application/vnd.microsoft.card.signin";
inline constexpr std::string_view thumbnail_card = "application/vnd.microsoft.card.thumbnail";
inline constexpr std::string_view video_card = "application/vnd.microsoft.card.video";
///@}
}  // namespace content_types

/// A card or a file: its content inside the activity, or a URL where it is found.
/// Source: Activity Protocol, "Attachment".
class Attachment : public JsonObject {
 public:
  /// Without members.
  Attachment() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit Attachment(json::object fields) noexcept : JsonObject(std::move(fields)) {}

  /// A card of any kind, with its content as the card's own schema has it.
  static Attachment card(std::string_view content_type, json::object content);
  /// A hero card: `title`, `subtitle`, `text`, `images`, `buttons` (the JSON of `CardAction`s), `tap`.
  static Attachment hero_card(json::object content);
  /// An adaptive card; `"type": "AdaptiveCard"` is put in when it is missing, for clients show nothing without it.
  static Attachment adaptive_card(json::object content);
  /// A file that the client fetches from `url` (or a `data:` URL).
  static Attachment from_url(std::string_view content_type, std::string_view url, std::string_view name = {});

  ///@{
  /// The member of this name, in the protocol's camelCase; nullopt when it is absent.
  std::optional<std::string_view> content_type() const noexcept { return string_at("contentType"); }
  std::optional<std::string_view> content_url() const noexcept { return string_at("contentUrl"); }
  std::optional<std::string_view> name() const noexcept { return string_at("name"); }
  std::optional<std::string_view> thumbnail_url() const noexcept { return string_at("thumbnailUrl"); }
  ///@}
  /// The content as it came; nullptr when absent.
  const json::value* content() const noexcept { return value_at("content"); }

  ///@{
  /// Sets the member of this name, in the protocol's camelCase.
  Attachment& set_content_type(std::string_view value) { return put("contentType", value); }
  Attachment& set_content_url(std::string_view value) { return put("contentUrl", value); }
  Attachment& set_name(std::string_view value) { return put("name", value); }
  Attachment& set_thumbnail_url(std::string_view value) { return put("thumbnailUrl", value); }
  Attachment& set_content(json::value value) {
    set("content", std::move(value));
    return *this;
  }
  ///@}

 private:
  Attachment& put(std::string_view name, std::string_view value) {
    set(name, value);
    return *this;
  }
};

}  // namespace tern
