#pragma once

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

/// Whether `test` finds anything in a text. It gets the bytes sixteen at a time and returns a block with a byte that is
/// not 0 for each one that it looks for. Blocks may overlap, and a short text is filled up with the letter `a`.
template <class Test>
bool any_byte(std::string_view text, const Test& test) noexcept {
  if (text.empty()) {
    return false;  // it may have no address, which `memcpy` wants even for no bytes
  }
  constexpr std::size_t size = sizeof(ByteBlock);
  auto found = ByteBlock{};
  auto block = ByteBlock{} + static_cast<unsigned char>('a');
  if (text.size() < size) {
    std::memcpy(&block, text.data(), text.size());
    found = test(block);
  } else {
    for (std::size_t at = 0; at + size <= text.size(); at += size) {
      std::memcpy(&block, text.data() + at, size);
      found |= test(block);
    }
    std::memcpy(&block, text.data() + text.size() - size, size);
    found |= test(block);
  }
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), &found, size);
  return (halves[0] | halves[1]) != 0;
}

}  // namespace tern::detail
