#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tern::http {

/// Bounds the bytes that come with the chunks of a body but do not belong to it: extensions, zeros before sizes, and
/// trailers, together.
class ChunkBound {
 public:
  explicit ChunkBound(std::size_t limit) noexcept : left_(limit) {}

  /// The line of a chunk of `size` bytes was read. `bytes`: the length of the line, with the line end of the chunk
  /// before and, for the last chunk, with the trailers. False when that is too much.
  bool add(std::size_t bytes, std::uint64_t size) noexcept {
    const std::size_t digits = size == 0 ? 1 : static_cast<std::size_t>((std::bit_width(size) + 3) / 4);
    const std::size_t ends = (first_ ? 1 : 2) + (size == 0 ? 1 : 0);
    const auto more = bytes - std::min(bytes, digits + ends * line_end);
    const bool fits = more <= left_;
    left_ -= std::min(more, left_);
    first_ = false;
    return fits;
  }
  /// Whether a line that is not complete may have `bytes`. The size of its chunk is not known yet, so the longest size
  /// is allowed.
  bool may_begin(std::size_t bytes) const noexcept { return bytes <= left_ + longest; }

 private:
  static constexpr std::size_t line_end = std::string_view("\r\n").size();
  // The line end of the chunk before, a size of 64 bits, the line's own end, and the end of the trailers.
  static constexpr std::size_t longest = std::string_view("\r\n0123456789abcdef\r\n\r\n").size();

  std::size_t left_;
  bool first_ = true;
};

}  // namespace tern::http
