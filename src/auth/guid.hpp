#pragma once

#include <cstddef>
#include <string_view>

namespace tern::auth {

/// Whether the text is a GUID in its usual form, such as `5a807f24-c9de-44ee-a3a7-329e88a00ffc`, in either case.
constexpr bool is_guid(std::string_view text) noexcept {
  constexpr std::size_t size = 36;
  if (text.size() != size) {
    return false;
  }
  for (std::size_t i = 0; i < size; ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !digit) {
      return false;
    }
  }
  return true;
}

}  // namespace tern::auth
