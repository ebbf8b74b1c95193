#include "testing/buttons.hpp"

#include <boost/json/serialize.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace tern::test {

namespace {

std::string text_at(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

bool is_action(const json::object& object) {
  return text_at(object, "type").starts_with("Action.");
}

// A client leaves out a field that is empty. A toggle is never empty.
void add_field(const json::object& input, json::object& into) {
  const auto* shown = input.if_contains("value");
  json::value value = shown != nullptr ? sent_by_a_client(*shown) : json::value();
  if (value.is_null() && text_at(input, "type") == "Input.Toggle") {
    const auto off = text_at(input, "valueOff");
    value = off.empty() ? "false" : off;
  }
  const auto id = text_at(input, "id");
  if (!id.empty() && !value.is_null() && value != "") {
    into[id] = std::move(value);
  }
}

// The fields of a card, without those of the cards that its buttons show.
void find_fields(const json::value& value, json::object& into) {
  if (const auto* list = value.if_array()) {
    for (const auto& one : *list) {
      find_fields(one, into);
    }
  } else if (const auto* object = value.if_object(); object != nullptr && !is_action(*object)) {
    if (text_at(*object, "type").starts_with("Input.")) {
      add_field(*object, into);
    }
    for (const auto& member : *object) {
      find_fields(member.value(), into);
    }
  }
}

// In an adaptive card actions may stand anywhere: below the card, in an ActionSet, in a card that another shows.
// `fields` are those of the card that `value` is in, and of the cards around it.
void find_adaptive(const json::value& value, const json::object& fields, std::vector<Button>& into) {
  if (const auto* list = value.if_array()) {
    for (const auto& one : *list) {
      find_adaptive(one, fields, into);
    }
  } else if (const auto* object = value.if_object()) {
    if (is_action(*object)) {
      into.push_back({text_at(*object, "title"), *object, fields, {}});
    }
    for (const auto& member : *object) {
      if (member.key() == "card") {  // the card that a button shows
        auto more = fields;
        find_fields(member.value(), more);
        find_adaptive(member.value(), more, into);
      } else if (member.key() != "data") {  // what a button carries along is no card
        find_adaptive(member.value(), fields, into);
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
      into.push_back({text_at(*object, "title"), *object, {}, {}});
    }
  }
}

}  // namespace

json::value sent_by_a_client(const json::value& value) {
  if (const auto* number = value.if_double()) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), *number).ptr;
    return json::string(text.data(), end);
  }
  if (value.is_number() || value.is_bool()) {
    return json::string(json::serialize(value));
  }
  return value;
}

std::vector<Button> buttons_of(const Activity& message) {
  std::vector<Button> all;
  for (const auto& attachment : message.attachments()) {
    const auto* content = attachment.content();
    if (content == nullptr) {
      continue;
    }
    if (attachment.content_type() == content_types::adaptive_card) {
      json::object fields;
      find_fields(*content, fields);
      find_adaptive(*content, fields, all);
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
