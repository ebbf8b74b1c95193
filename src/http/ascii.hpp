#pragma once

#include <algorithm>
#include <string_view>

namespace tern::http {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// True for control characters, except the tab.
constexpr bool is_control(char c) noexcept {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

/// Whether the texts are equal when the case of ASCII letters is ignored. The locale does not matter.
constexpr bool same_text(std::string_view a, std::string_view b) noexcept {
  return a == b ||  // most are written alike
         std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace tern::http
