#pragma once

#include <tern/schema/json_object.hpp>

namespace tern {

/// `CardAction::type`.
namespace card_action_types {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view open_url = "openUrl";
inline constexpr std::string_view im_back = "imBack";
inline constexpr std::string_view post_back = "postBack";
inline constexpr std::string_view message_back = "messageBack";
inline constexpr std::string_view play_audio = "playAudio";
inline constexpr std::string_view play_video = "playVideo";
inline constexpr std::string_view show_image = "showImage";
inline constexpr std::string_view download_file = "downloadFile";
inline constexpr std::string_view signin = "signin";
inline constexpr std::string_view call = "call";
inline constexpr std::string_view payment = "payment";
///@}
}  // namespace card_action_types

/// A button, and what a press on it does.
/// Source: Activity Protocol, "Card action".
class CardAction : public JsonObject {
 public:
  /// Without members.
  CardAction() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit CardAction(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  /// A button of any type; see `card_action_types`.
  CardAction(std::string_view type, std::string_view title, json::value value);

  ///@{
  /// Sends `text` as if the user had typed it. With one argument the title is sent.
  static CardAction im_back(std::string_view title, std::string_view text);
  static CardAction im_back(std::string_view title) { return im_back(title, title); }
  ///@}
  /// Sends `value` to the bot, unseen by others.
  static CardAction post_back(std::string_view title, json::value value);
  /// Opens `url` in the client.
  static CardAction open_url(std::string_view title, std::string_view url);

  ///@{
  /// The member of this name, in the protocol's camelCase; nullopt when it is absent.
  std::optional<std::string_view> type() const noexcept { return string_at("type"); }
  std::optional<std::string_view> title() const noexcept { return string_at("title"); }
  std::optional<std::string_view> image() const noexcept { return string_at("image"); }
  std::optional<std::string_view> image_alt_text() const noexcept { return string_at("imageAltText"); }
  std::optional<std::string_view> text() const noexcept { return string_at("text"); }
  std::optional<std::string_view> display_text() const noexcept { return string_at("displayText"); }
  ///@}
  ///@{
  /// `value`, `channelData` as they came; nullptr when absent.
  const json::value* value() const noexcept { return value_at("value"); }
  const json::value* channel_data() const noexcept { return value_at("channelData"); }
  ///@}

  ///@{
  /// Sets the member of this name, in the protocol's camelCase.
  CardAction& set_type(std::string_view value) { return put("type", value); }
  CardAction& set_title(std::string_view value) { return put("title", value); }
  CardAction& set_image(std::string_view value) { return put("image", value); }
  CardAction& set_image_alt_text(std::string_view value) { return put("imageAltText", value); }
  CardAction& set_text(std::string_view value) { return put("text", value); }
  CardAction& set_display_text(std::string_view value) { return put("displayText", value); }
  CardAction& set_value(json::value value) {
    set("value", std::move(value));
    return *this;
  }
  CardAction& set_channel_data(json::value value) {
    set("channelData", std::move(value));
    return *this;
  }
  ///@}

 private:
  CardAction& put(std::string_view name, std::string_view value) {
    set(name, value);
    return *this;
  }
};

}  // namespace tern
