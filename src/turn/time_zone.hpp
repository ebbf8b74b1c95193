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

/// A time zone: a zone of the machine's IANA database, UTC, or a fixed offset such as `UTC+02:00`. The last two need no
/// files.
class TimeZone {
 public:
  using LocalTime = date::local_time<WallTime::duration>;

  /// Finds a zone by its name; nullopt when the machine does not have it or cannot read it.
  static std::optional<TimeZone> find(std::string_view name) noexcept;
  /// The same. Errors: `errc::invalid_argument` instead of nullopt.
  static TimeZone require(std::string_view name);

  /// How far the local clock is ahead of UTC, and until when.
  struct Offset {
    std::chrono::seconds east{0};
    WallTime until = WallTime::max();
  };
  Offset at(WallTime when) const;
  LocalTime local(WallTime when) const { return LocalTime(when.time_since_epoch() + at(when).east); }
  /// The time at which the local clock shows `when`. If the clock skips `when`, the time is later by the skipped
  /// length. If the clock shows `when` twice, the first time counts.
  WallTime instant(LocalTime when) const;

 private:
  explicit TimeZone(const date::time_zone* zone) noexcept : zone_(zone) {}
  explicit TimeZone(std::chrono::seconds fixed) noexcept : fixed_(fixed) {}

  const date::time_zone* zone_ = nullptr;  // nullptr for a fixed offset
  std::chrono::seconds fixed_{0};
};

/// Whether the machine has a database of time zones.
bool has_time_zone_data() noexcept;

/// The message about a name that `TimeZone::find` does not find: what is wrong, and what to do.
std::string unknown_time_zone(std::string_view name);

/// The name of a fixed offset, such as `UTC+02:00`; `UTC` for zero.
std::string fixed_time_zone(std::chrono::minutes east);

/// The largest fixed offset. No place on earth has a larger one.
inline constexpr std::chrono::hours furthest_offset{14};

}  // namespace tern::detail
