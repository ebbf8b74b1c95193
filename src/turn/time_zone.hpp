#pragma once

#include <tern/async/clock.hpp>

#include <date/date.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace date {
class time_zone;  // NOLINT(readability-identifier-naming)
}

namespace tern::detail {

/// How the clocks of a zone stand: a zone of the machine's IANA database, UTC, or a fixed offset as `UTC+02:00`. The
/// last two want no files.
class TimeZone {
 public:
  using LocalTime = date::local_time<WallTime::duration>;

  /// By its name; nullopt when the machine does not have it, or cannot read it.
  static std::optional<TimeZone> find(std::string_view name) noexcept;
  /// The same. Errors: `errc::invalid_argument`.
  static TimeZone require(std::string_view name);

  /// How far a clock is ahead of UTC, and until when it stays so.
  struct Offset {
    std::chrono::seconds east{0};
    WallTime until = WallTime::max();
  };
  Offset at(WallTime when) const;
  LocalTime local(WallTime when) const { return LocalTime(when.time_since_epoch() + at(when).east); }
  /// When the clocks show `when`. A time that they skip comes as much later as they skip; of two the first counts.
  WallTime instant(LocalTime when) const;

 private:
  explicit TimeZone(const date::time_zone* zone) noexcept : zone_(zone) {}
  explicit TimeZone(std::chrono::seconds fixed) noexcept : fixed_(fixed) {}

  const date::time_zone* zone_ = nullptr;  // null: a fixed offset
  std::chrono::seconds fixed_{0};
};

/// Whether the machine has a database of time zones at all.
bool has_time_zone_data() noexcept;

/// What is to be told of a name that `TimeZone::find` does not find: what is wrong, and what to do.
std::string unknown_time_zone(std::string_view name);

/// `UTC+02:00`, what `TimeZone::find` takes for a fixed offset; `UTC` for none.
std::string fixed_time_zone(std::chrono::minutes east);

/// A fixed offset is not further from UTC than this; no place on earth is.
inline constexpr std::chrono::hours furthest_offset{14};

}  // namespace tern::detail
