#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tern::detail {

/// Sixteen bytes of a text, which the processor compares at once. GCC and clang make plain loops of it where it has no
/// such instructions.
using ByteBlock [[gnu::vector_size(16)]] = unsigned char;

///@{
/// 0xFF where a byte is that one, or is less; 0 elsewhere.
inline ByteBlock is_byte(const ByteBlock& bytes, unsigned char one) noexcept {
  return static_cast<ByteBlock>(bytes == ByteBlock{} + one);
}
inline ByteBlock is_below(const ByteBlock& bytes, unsigned char bound) noexcept {
  return static_cast<ByteBlock>(bytes < ByteBlock{} + bound);
}
///@}

/// The larger byte at each place.
inline ByteBlock larger(const ByteBlock& a, const ByteBlock& b) noexcept {
  return a > b ? a : b;
}

/// Reads a text sixteen bytes at a time: `add(so_far, block)` returns what is kept of the blocks up to that one, and
/// begins with zeros. Blocks may overlap, and a short text is filled up with the letter `a`. Zeros for an empty text.
template <class Add>
ByteBlock fold_blocks(std::string_view text, const Add& add) noexcept {
  constexpr std::size_t size = sizeof(ByteBlock);
  auto so_far = ByteBlock{};
  if (text.empty()) {
    return so_far;  // it may have no address, which `memcpy` wants even for no bytes
  }
  auto block = ByteBlock{} + static_cast<unsigned char>('a');
  if (text.size() < size) {
    std::memcpy(&block, text.data(), text.size());
    return add(so_far, block);
  }
  const char* const last = text.data() + text.size() - size;
#pragma GCC unroll 2
  for (const char* at = text.data(); at < last; at += size) {
    std::memcpy(&block, at, size);
    so_far = add(so_far, block);
  }
  std::memcpy(&block, last, size);
  return add(so_far, block);
}

/// Whether `test` finds anything in a text. It returns a block with a byte that is not 0 for each one that it looks
/// for.
template <class Test>
bool any_byte(std::string_view text, const Test& test) noexcept {
  const auto found = fold_blocks(text, [&](const ByteBlock& so_far, const ByteBlock& block) {
    return static_cast<ByteBlock>(so_far | test(block));
  });
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), &found, sizeof found);
  return (halves[0] | halves[1]) != 0;
}

/// Whether a text has a byte that is neither one of `first` and `last` nor between them.
inline bool any_byte_outside(std::string_view text, unsigned char first, unsigned char last) noexcept {
  const auto farthest =
      fold_blocks(text, [=](const ByteBlock& so_far, const ByteBlock& block) { return larger(so_far, block - first); });
  std::array<unsigned char, sizeof farthest> distances{};
  std::memcpy(distances.data(), &farthest, sizeof farthest);
  unsigned char most = 0;
  for (const auto one : distances) {
    most = std::max(most, one);
  }
  return most > last - first;
}

}  // namespace tern::detail
