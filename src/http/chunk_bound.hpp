#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace tern::http {

/// Bounds what comes with the chunks of a body and is none of it: extensions, zeros before sizes, trailers, all
/// together.
class ChunkBound {
 public:
  explicit ChunkBound(std::size_t limit) noexcept : left_(limit) {}

  /// A line was read to its end, `bytes` of them; the last one with the trailers. False when that is too much.
  bool add(std::size_t bytes) noexcept {
    const auto more = beyond(bytes);
    const bool fits = more <= left_;
    left_ -= std::min(more, left_);
    return fits;
  }
  /// Whether a line may have so many bytes, and more to come.
  bool may_begin(std::size_t bytes) const noexcept { return beyond(bytes) <= left_; }

 private:
  // The end of the chunk before, a size of 64 bits, the line's end; of the last line the end of the trailers too.
  static constexpr std::size_t bare = std::string_view("\r\n0123456789abcdef\r\n\r\n").size();
  static std::size_t beyond(std::size_t bytes) noexcept { return bytes > bare ? bytes - bare : 0; }

  std::size_t left_;
};

}  // namespace tern::http
