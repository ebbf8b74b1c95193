#include "storage/storable_text.hpp"

#include <cstdint>
#include <cstring>

namespace tern::detail {

namespace {

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t highs = 0x8080808080808080;

// Eight characters of ASCII, none of them NUL. For a word without high bits, `word - ones` sets a high bit exactly
// when some byte is zero.
bool is_plain(const unsigned char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return ((word | (word - ones)) & highs) == 0;
}

bool continues(const unsigned char* at) noexcept {
  return (*at & 0xC0) == 0x80;
}

// The length of the character at `at`, 0 when there is none: neither overlong nor a surrogate nor beyond U+10FFFF.
int character_length(const unsigned char* at, std::ptrdiff_t left) noexcept {
  const auto lead = *at;
  if (lead < 0x80) {
    return lead == 0 ? 0 : 1;
  }
  if (lead < 0xC2 || lead > 0xF4) {
    return 0;
  }
  const int length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (left < length) {
    return 0;
  }
  for (int i = 1; i < length; ++i) {
    if (!continues(at + i)) {
      return 0;
    }
  }
  const auto second = at[1];
  const bool in_range = !(lead == 0xE0 && second < 0xA0) && !(lead == 0xED && second > 0x9F) &&
                        !(lead == 0xF0 && second < 0x90) && !(lead == 0xF4 && second > 0x8F);
  return in_range ? length : 0;
}

}  // namespace

bool is_storable_text(std::string_view text) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at != end) {
    if (end - at >= 8 && is_plain(at)) {
      at += 8;
      continue;
    }
    const int length = character_length(at, end - at);
    if (length == 0) {
      return false;
    }
    at += length;
  }
  return true;
}

std::string storable_text(std::string_view text, std::size_t most) {
  std::string kept;
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at != end) {
    const int length = character_length(at, end - at);
    const std::size_t bytes = length == 0 ? 1 : static_cast<std::size_t>(length);
    if (kept.size() + bytes > most) {
      break;
    }
    if (length == 0) {
      kept += '?';
    } else {
      kept.append(reinterpret_cast<const char*>(at), bytes);
    }
    at += bytes;
  }
  return kept;
}

}  // namespace tern::detail
