#include "async/keyed_hash.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace tern::detail {

namespace {

SipHash make_hash() noexcept {
  SipHash::Key key;
  if (::getentropy(&key, sizeof key) != 0) {
    std::abort();  // the system gives no random bytes
  }
  return SipHash(key);
}

template <class Word>
std::uint64_t word_at(const char* bytes) noexcept {
  Word word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// A word of fewer than eight bytes.
std::uint64_t short_word(std::string_view text) noexcept {
  const auto size = text.size();
  if (size >= 4) {
    return word_at<std::uint32_t>(text.data()) | word_at<std::uint32_t>(text.data() + size - 4) << (8 * (size - 4));
  }
  if (size == 0) {
    return 0;
  }
  const auto byte = [&](std::size_t at) { return word_at<std::uint8_t>(text.data() + at) << (8 * at); };
  return byte(0) | byte(size / 2) | byte(size - 1);
}

// The first word is made of the length and the first seven bytes, the last word of the rest. Loads may overlap, because
// that is faster than copying a few bytes.
void add_text(SipHash& hash, std::string_view text) noexcept {
  constexpr std::size_t step = 8;
  constexpr std::size_t long_from = 0xFF;
  if (text.size() < step) {
    hash.add(short_word(text) << 8 | text.size());
    return;
  }
  const auto first = word_at<std::uint64_t>(text.data()) << 8;
  if (text.size() < long_from) {
    hash.add(first | text.size());
  } else {
    hash.add(first | long_from);
    hash.add(text.size());
  }
  std::size_t at = step - 1;
  for (; at + step <= text.size(); at += step) {
    hash.add(word_at<std::uint64_t>(text.data() + at));
  }
  if (const auto left = text.size() - at; left > 0) {
    hash.add(word_at<std::uint64_t>(text.data() + text.size() - step) >> (8 * (step - left)));
  }
}

}  // namespace

const SipHash& KeyedHasher::of_process() noexcept {
  static const SipHash made = make_hash();
  return made;
}

void KeyedHasher::add(std::initializer_list<std::string_view> texts) noexcept {
  auto hash = hash_;  // a local copy stays in registers
  for (const auto text : texts) {
    add_text(hash, text);
  }
  hash_ = hash;
}

std::uint64_t keyed_hash(std::string_view text) noexcept {
  KeyedHasher hasher;
  hasher.add(text);
  return hasher.hash();
}

}  // namespace tern::detail
