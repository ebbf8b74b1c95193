#pragma once

#include <tern/schema/card_action.hpp>
#include <tern/schema/json_object.hpp>

namespace tern {

/// Buttons that a client shows until one is pressed or the next activity arrives.
/// Source: Activity Protocol, "Suggested actions".
class SuggestedActions : public JsonObject {
 public:
  SuggestedActions() = default;
  explicit SuggestedActions(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  explicit SuggestedActions(std::vector<CardAction> actions) { set_list("actions", std::move(actions)); }

  /// The ids of those who shall see them; empty means everyone.
  std::vector<std::string> to() const { return strings_at("to"); }
  std::vector<CardAction> actions() const { return list_at<CardAction>("actions"); }

  SuggestedActions& add_to(std::string_view account_id) {
    append("to", json::value(account_id));
    return *this;
  }
  SuggestedActions& add_action(CardAction value) {
    append("actions", json::value(std::move(value).json()));
    return *this;
  }
};

}  // namespace tern
