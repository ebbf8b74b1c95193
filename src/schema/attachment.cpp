#include <tern/schema/attachment.hpp>
#include <tern/schema/card_action.hpp>

namespace tern {

Attachment Attachment::card(std::string_view content_type, json::object content) {
  Attachment attachment;
  attachment.set_content_type(content_type).set_content(json::value(std::move(content)));
  return attachment;
}

Attachment Attachment::hero_card(json::object content) {
  return card(content_types::hero_card, std::move(content));
}

Attachment Attachment::adaptive_card(json::object content) {
  content.emplace("type", "AdaptiveCard");
  return card(content_types::adaptive_card, std::move(content));
}

Attachment Attachment::from_url(std::string_view content_type, std::string_view url, std::string_view name) {
  Attachment attachment;
  attachment.set_content_type(content_type).set_content_url(url);
  if (!name.empty()) {
    attachment.set_name(name);
  }
  return attachment;
}

CardAction::CardAction(std::string_view type, std::string_view title, json::value value) {
  set_type(type).set_title(title).set_value(std::move(value));
}

CardAction CardAction::im_back(std::string_view title, std::string_view text) {
  return CardAction(card_action_types::im_back, title, json::value(text));
}

CardAction CardAction::post_back(std::string_view title, json::value value) {
  return CardAction(card_action_types::post_back, title, std::move(value));
}

CardAction CardAction::open_url(std::string_view title, std::string_view url) {
  return CardAction(card_action_types::open_url, title, json::value(url));
}

}  // namespace tern
