#include <tern/storage/types.hpp>

#include "async/any_byte.hpp"
#include "storage/sha256.hpp"

#include <algorithm>

namespace tern {

namespace {

constexpr std::size_t digest_bytes = 32;
constexpr std::size_t tail_bytes = 1 + 2 * digest_bytes;  // '~' and the digest in hex

bool continues_a_character(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// The greatest length up to `longest` that does not end within a character. What is no UTF-8 is cut at `longest`.
std::size_t cut_length(std::string_view text, std::size_t longest) noexcept {
  constexpr std::size_t longest_tail = 3;  // a character has at most three continuation bytes
  for (std::size_t back = 0; back <= longest_tail; ++back) {
    if (!continues_a_character(text[longest - back])) {
      return longest - back;
    }
  }
  return longest;
}

bool must_be_escaped(char character) noexcept {
  const auto byte = static_cast<unsigned char>(character);
  return byte < 0x20 || byte == 0x7F || byte == '/' || byte == '%';
}

// As `must_be_escaped` for each character.
bool has_escaped(std::string_view part) noexcept {
  using detail::is_below;
  using detail::is_byte;
  return detail::any_byte(part, [](const detail::ByteBlock& bytes) {
    return is_below(bytes, 0x20) | is_byte(bytes, 0x7F) | is_byte(bytes, '/') | is_byte(bytes, '%');
  });
}

bool is_hex(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// Whether a longer key could have been cut to this one.
bool looks_cut(std::string_view key) noexcept {
  constexpr std::size_t longest_tail = 3;  // of a character, as in `cut_length`
  if (key.size() > max_key_bytes || key.size() < max_key_bytes - longest_tail) {
    return false;
  }
  const auto tail = key.substr(key.size() - tail_bytes);
  return tail.front() == '~' && std::all_of(tail.begin() + 1, tail.end(), is_hex);
}

}  // namespace

std::string bounded_key(std::string key) {
  if (key.size() <= max_key_bytes && !looks_cut(key)) {
    return key;
  }
  std::string bounded = key.substr(0, cut_length(key, max_key_bytes - tail_bytes));
  bounded += '~';
  const auto digest = detail::sha256(key);
  detail::append_hex(bounded, digest.data(), digest.size());
  return bounded;
}

std::string key_part(std::string_view part) {
  std::string encoded;
  append_key_part(encoded, part);
  return encoded;
}

void append_key_part(std::string& key, std::string_view part) {
  if (!has_escaped(part)) {  // most
    key.append(part);
    return;
  }
  constexpr char hex[] = "0123456789ABCDEF";
  while (!part.empty()) {
    const auto stop = std::find_if(part.begin(), part.end(), must_be_escaped);
    key.append(part.begin(), stop);
    if (stop == part.end()) {
      return;
    }
    const auto byte = static_cast<unsigned char>(*stop);
    key += '%';
    key += hex[byte >> 4];
    key += hex[byte & 0xF];
    part.remove_prefix(static_cast<std::size_t>(stop - part.begin()) + 1);
  }
}

}  // namespace tern
