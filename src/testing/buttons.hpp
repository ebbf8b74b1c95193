#pragma once

#include <tern/schema/activity.hpp>

#include <string>
#include <vector>

namespace tern::test {

/// What a client shows as a button: an action of a card, of an adaptive card, or among the suggested ones.
struct Button {
  std::string title;
  json::object action;
  std::string message_id;  ///< of the message that shows it
};

/// The buttons of a message, in the order in which they stand in it.
std::vector<Button> buttons_of(const Activity& message);

}  // namespace tern::test
