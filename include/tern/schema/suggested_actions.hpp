#pragma once

#include <tern/schema/card_action.hpp>
#include <tern/schema/json_object.hpp>

namespace tern {

/// Buttons that a client shows until one is pressed or the next activity arrives.
/// Source: Activity Protocol, "Suggested actions".
class SuggestedActions : public JsonObject {
 public:
  /// Without members.
  SuggestedActions() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit SuggestedActions(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  /// These buttons, for everyone.
  explicit SuggestedActions(std::vector<CardAction> actions) { set_list("actions", std::move(actions)); }

  /// The ids of the users who see the buttons; empty means everyone.
  std::vector<std::string> to() const { return strings_at("to"); }
  /// The buttons.
  std::vector<CardAction> actions() const { return list_at<CardAction>("actions"); }

  /// Shows the buttons to this user, and to the others that were added.
  SuggestedActions& add_to(std::string_view account_id) {
    append("to", json::value(account_id));
    return *this;
  }
  /// Adds a button.
  SuggestedActions& add_action(CardAction value) {
    append("actions", json::value(std::move(value).json()));
    return *this;
  }
};

}  // namespace tern
