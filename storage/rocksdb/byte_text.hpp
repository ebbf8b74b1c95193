#pragma once

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tern::detail::rocks {

/// Appends numbers, times and texts to a key or value.
class ByteWriter {
 public:
  explicit ByteWriter(std::size_t reserve = 0) { bytes_.reserve(reserve); }

  template <class Number>
  ByteWriter& number(Number value) {
    for (int shift = 8 * (static_cast<int>(sizeof(Number)) - 1); shift >= 0; shift -= 8) {
      bytes_ += static_cast<char>((static_cast<std::uint64_t>(value) >> shift) & 0xFF);
    }
    return *this;
  }
  ByteWriter& time(WallTime when) {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
    return number(static_cast<std::uint64_t>(since) ^ sign);
  }
  ByteWriter& raw(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  ByteWriter& text(std::string_view value) { return number(static_cast<std::uint32_t>(value.size())).raw(value); }

  std::string take() { return std::move(bytes_); }

  static constexpr std::uint64_t sign = 1ULL << 63;

 private:
  std::string bytes_;
};

/// Reads what a `ByteWriter` wrote. After bytes that do not fit, `ok` is false and everything reads as zero or empty.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <class Number>
  Number number() {
    std::uint64_t value = 0;
    for (const char byte : raw(sizeof(Number))) {
      value = value << 8 | static_cast<unsigned char>(byte);
    }
    return static_cast<Number>(value);
  }
  WallTime time() {
    const std::chrono::microseconds since(static_cast<std::int64_t>(number<std::uint64_t>() ^ ByteWriter::sign));
    constexpr auto in_microseconds = [](WallTime time) {
      return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch());
    };
    ok_ = ok_ && since >= in_microseconds(WallTime::min()) && since <= in_microseconds(WallTime::max());
    return ok_ ? WallTime(std::chrono::duration_cast<WallTime::duration>(since)) : WallTime();
  }
  std::string_view raw(std::size_t size) {
    if (rest_.size() < size) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view text() { return raw(number<std::uint32_t>()); }

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace tern::detail::rocks
