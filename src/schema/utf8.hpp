#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tern::detail {

struct CodePoint {
  char32_t value;
  std::size_t length;  ///< in bytes
};

/// The character at the front of `text`; nullopt when it is not well-formed UTF-8: cut short, overlong, a surrogate, or
/// above U+10FFFF.
/// Preconditions: `text` is not empty.
inline std::optional<CodePoint> decode_utf8(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return CodePoint{lead, 1};
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) {
    return std::nullopt;
  }
  char32_t value = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) {
      return std::nullopt;
    }
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    return std::nullopt;
  }
  return CodePoint{value, length};
}

/// A copy of `text` with U+FFFD instead of each byte that is not part of well-formed UTF-8.
inline std::string well_formed_utf8(std::string_view text) {
  std::string whole;
  whole.reserve(text.size());
  while (!text.empty()) {
    const auto next = decode_utf8(text);
    whole.append(next ? text.substr(0, next->length) : std::string_view("\xEF\xBF\xBD"));
    text.remove_prefix(next ? next->length : 1);
  }
  return whole;
}

}  // namespace tern::detail
