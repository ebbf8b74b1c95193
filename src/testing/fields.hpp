#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::test {

/// The headers of a request, in their order.
using Fields = std::vector<std::pair<std::string, std::string>>;

inline bool is_same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// The first header of this name; nullopt when there is none.
inline std::optional<std::string_view> first_field(const Fields& fields, std::string_view name) noexcept {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [name](const auto& field) { return is_same_name(field.first, name); });
  return found == fields.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

/// How many headers there are of this name.
inline std::size_t count_fields(const Fields& fields, std::string_view name) noexcept {
  return static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(),
                                                [name](const auto& field) { return is_same_name(field.first, name); }));
}

}  // namespace tern::test
