#include "app/call_members.hpp"

#include "app/nearest_name.hpp"

#include <algorithm>
#include <utility>

namespace tern::app {

void refuse_argument(const std::string& message) {
  throw BadCall("BadArgument", message);
}

std::string unknown_name(std::string_view name, const std::vector<std::string_view>& known) {
  constexpr std::size_t longest = 80;
  auto text = std::string(name.substr(0, longest)) + " is not known here.";
  if (const auto near = nearest_name(name, known); !near.empty()) {
    text += " Did you mean " + std::string(near) + "?";
  }
  if (known.empty()) {
    return text + " No names are known here.";
  }
  text += " Known are: ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string(known[i]);
  }
  return text + '.';
}

CallMembers::CallMembers(json::object& fields, const std::vector<std::string_view>& known, std::string where)
    : fields_(fields), where_(std::move(where)) {
  for (const auto& member : fields_) {
    const std::string_view name = member.key();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      refuse_argument(where_ + unknown_name(name, known));
    }
  }
}

json::value* CallMembers::find(std::string_view name) {
  auto* const value = fields_.if_contains(name);
  return value != nullptr && !value->is_null() ? value : nullptr;
}

std::optional<std::string> CallMembers::text(std::string_view name) {
  auto* const value = find(name);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_string() || value->as_string().empty()) {
    refuse_argument(where_ + std::string(name) + " must be a text that is not empty.");
  }
  return std::string(value->as_string());
}

bool CallMembers::flag(std::string_view name) {
  auto* const value = find(name);
  if (value != nullptr && !value->is_bool()) {
    refuse_argument(where_ + std::string(name) + " must be true or false.");
  }
  return value != nullptr && value->as_bool();
}

json::object* CallMembers::object(std::string_view name) {
  auto* const value = find(name);
  if (value != nullptr && !value->is_object()) {
    refuse_argument(where_ + std::string(name) + " must be an object.");
  }
  return value != nullptr ? &value->as_object() : nullptr;
}

}  // namespace tern::app
