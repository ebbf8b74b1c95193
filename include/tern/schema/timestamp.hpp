#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tern {

/// A moment as the protocol writes it. The text and its offset are kept as they came: local time is information.
/// Thread safety: like a `std::string`.
/// Source: RFC 3339; Activity Protocol, "Timestamp".
class Timestamp {
 public:
  /// Reads an RFC 3339 date and time with 0 to 9 fractional digits; `t` and `z` may be small letters. A text without an
  /// offset is taken for UTC, because .NET clients write that. nullopt when `text` is absent or no such date.
  static std::optional<Timestamp> parse(std::optional<std::string_view> text);
  /// `time` in UTC with milliseconds (what is finer is cut off): `2026-11-22T10:00:00.123Z`.
  static Timestamp utc(std::chrono::system_clock::time_point time);

  /// The text as it came, with its offset.
  const std::string& text() const noexcept { return text_; }
  /// The moment. The clock holds the years 1678 to 2261; a date outside of them is the first or the last moment of the
  /// clock. (.NET's `0001-01-01T00:00:00` is a common default.)
  std::chrono::system_clock::time_point time() const noexcept { return time_; }
  /// East of UTC, -23:59 to 23:59.
  std::chrono::minutes offset() const noexcept { return offset_; }

 private:
  Timestamp(std::string text, std::chrono::system_clock::time_point time, std::chrono::minutes offset) noexcept
      : text_(std::move(text)), time_(time), offset_(offset) {}

  std::string text_;
  std::chrono::system_clock::time_point time_;
  std::chrono::minutes offset_;
};

}  // namespace tern
