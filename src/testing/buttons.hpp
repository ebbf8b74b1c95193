#pragma once

#include <tern/schema/activity.hpp>

#include <string>
#include <vector>

namespace tern::test {

/// A button of a client: an action of a card, of an adaptive card, or among the suggested actions.
struct Button {
  std::string title;
  json::object action;
  json::object fields;     ///< of its adaptive card and the cards around, by their ids, with what they show
  std::string message_id;  ///< of the message that shows it
};

/// A value of a field as clients send it: numbers and booleans are texts.
json::value sent_by_a_client(const json::value& value);

/// The buttons of a message, in their order in it.
std::vector<Button> buttons_of(const Activity& message);

}  // namespace tern::test
