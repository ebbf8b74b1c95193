#include "testing/buttons.hpp"

#include <utility>

namespace tern::test {

namespace {

std::string text_at(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

// In an adaptive card actions may stand anywhere: below the card, in an ActionSet, in a card that another shows.
void find_adaptive(const json::value& value, std::vector<Button>& into) {
  if (const auto* list = value.if_array()) {
    for (const auto& one : *list) {
      find_adaptive(one, into);
    }
  } else if (const auto* object = value.if_object()) {
    if (text_at(*object, "type").starts_with("Action.")) {
      into.push_back({text_at(*object, "title"), *object, {}});
    }
    for (const auto& member : *object) {
      if (member.key() != "data") {  // what a button carries along is no card
        find_adaptive(member.value(), into);
      }
    }
  }
}

void add_all(const json::value* actions, std::vector<Button>& into) {
  const auto* list = actions != nullptr ? actions->if_array() : nullptr;
  if (list == nullptr) {
    return;
  }
  for (const auto& one : *list) {
    if (const auto* object = one.if_object()) {
      into.push_back({text_at(*object, "title"), *object, {}});
    }
  }
}

}  // namespace

std::vector<Button> buttons_of(const Activity& message) {
  std::vector<Button> all;
  for (const auto& attachment : message.attachments()) {
    const auto* content = attachment.content();
    if (content == nullptr) {
      continue;
    }
    if (attachment.content_type() == content_types::adaptive_card) {
      find_adaptive(*content, all);
    } else if (const auto* card = content->if_object()) {
      add_all(card->if_contains("buttons"), all);
    }
  }
  if (const auto suggested = message.suggested_actions()) {
    add_all(suggested->json().if_contains("actions"), all);
  }
  for (auto& button : all) {
    button.message_id = message.id().value_or("");
  }
  return all;
}

}  // namespace tern::test
