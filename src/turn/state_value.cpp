#include <tern/turn/state_value.hpp>

namespace tern::detail {

namespace {

std::string_view kind_of(const json::value& found) noexcept {
  switch (found.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "true or false";
    case json::kind::int64:
    case json::kind::uint64:
      return "a whole number";
    case json::kind::double_:
      return "a number with a fraction";
    case json::kind::string:
      return "a text";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
  }
  return "unknown";
}

}  // namespace

void throw_mismatch(const json::value& found, std::string_view wanted, const std::string& why) {
  auto problem = "is " + std::string(kind_of(found)) + ", and " + std::string(wanted) + " is wanted";
  if (!why.empty()) {
    problem += " (" + why + ')';
  }
  throw StateMismatch(std::move(problem));
}

void throw_unknown_enumerator(std::string_view found, const std::vector<std::string_view>& known) {
  constexpr std::size_t longest = 40;
  auto problem = "is \"" + std::string(found.substr(0, longest)) + "\", which is none of ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    problem += (i == 0 ? "" : ", ") + std::string(known[i]);
  }
  throw StateMismatch(std::move(problem));
}

}  // namespace tern::detail
