#pragma once

#include <tern/async/clock.hpp>
#include <tern/schema/json_object.hpp>

#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern {

/// A time on a clock on a wall, whatever the day and the zone.
class TimeOfDay {
 public:
  /// Errors: `errc::invalid_argument` unless `hour` is 0 to 23 and `minute` 0 to 59.
  explicit TimeOfDay(int hour, int minute = 0);
  /// From `HH:MM`; nullopt when it is no such text.
  static std::optional<TimeOfDay> parse(std::string_view text);

  std::chrono::minutes since_midnight() const noexcept { return minutes_; }
  std::string to_string() const;
  friend auto operator<=>(const TimeOfDay&, const TimeOfDay&) = default;

 private:
  std::chrono::minutes minutes_;
};

/// Hours of the day at which nobody wants a message, as a clock on the wall shows them: from `from` until `to`, over
/// midnight when `from` is the later. Equal times mean no hour at all.
class QuietHours {
 public:
  /// With `from` and `to` alike: no time at all.
  QuietHours(TimeOfDay from, TimeOfDay to) : from_(from), to_(to) {}

  TimeOfDay from() const noexcept { return from_; }
  TimeOfDay to() const noexcept { return to_; }
  bool contains(TimeOfDay time) const noexcept;

 private:
  TimeOfDay from_;
  TimeOfDay to_;
};

/// When something comes again and again: every so often, or at a time of the day in the user's time zone. Where the
/// clock skips that time (in spring) it comes as much later as the clock skips; where the time comes twice (in autumn),
/// the first time.
class Recurrence {
 public:
  enum class Day : std::uint8_t { monday, tuesday, wednesday, thursday, friday, saturday, sunday };
  using Days = std::bitset<7>;

  /// Errors: `errc::invalid_argument` for less than a minute, or more than five years (a send lies no further ahead).
  static Recurrence every(std::chrono::seconds interval);
  static Recurrence daily(TimeOfDay at);
  /// Errors: `errc::invalid_argument` without a day.
  static Recurrence weekly(Days days, TimeOfDay at);
  static Recurrence weekly(Day day, TimeOfDay at);
  /// In a month that is shorter, on its last day. Errors: `errc::invalid_argument` unless `day` is 1 to 31.
  static Recurrence monthly(int day, TimeOfDay at);

  /// The first time after `after`. `time_zone`: as `is_time_zone` takes it.
  /// Errors: `errc::invalid_argument` for an unknown time zone.
  WallTime next(WallTime after, const std::string& time_zone = "UTC") const;

  /// Whether it comes every so often, whatever the time of the day.
  bool is_interval() const noexcept { return kind_ == Kind::interval; }

  json::object to_json() const;
  /// nullopt when it is not what `to_json` gives.
  static std::optional<Recurrence> from_json(const json::value& value);
  friend bool operator==(const Recurrence&, const Recurrence&) = default;

 private:
  enum class Kind : std::uint8_t { interval, weekly, monthly };
  Recurrence() = default;

  Kind kind_ = Kind::interval;
  std::chrono::seconds interval_{0};
  Days days_;
  int day_of_month_ = 0;
  TimeOfDay at_{0, 0};
};

/// Whether this is a time zone: a name of the system's IANA database, as `Europe/Berlin`; `UTC`; or a fixed offset, as
/// `UTC+02:00`, at most 14 hours. The last two want no database.
bool is_time_zone(std::string_view name) noexcept;

/// The day that it is in the zone, as a calendar there shows it. Count on from it: `local_day(now, zone) + days(1)` is
/// tomorrow.
/// Errors: `errc::invalid_argument` for an unknown time zone.
std::chrono::local_days local_day(WallTime when, const std::string& time_zone);

/// When the clocks of the zone show this time of that day: `at_local(tomorrow, 9h, zone)`. Where they skip that time
/// (in spring) it is as much later as they skip; where they show it twice (in autumn), the first time. So `Recurrence`
/// has it as well. Errors: `errc::invalid_argument` for an unknown time zone, for a time that is not from 0 h to below
/// 24 h, and for a day outside the years 1700 to 2200.
WallTime at_local(std::chrono::local_days day, std::chrono::seconds time, const std::string& time_zone);

/// What a clock on a wall in the zone shows, with the date: `Fri 2026-11-27 09:00`.
/// Errors: `errc::invalid_argument` for an unknown time zone.
std::string local_time_text(WallTime when, const std::string& time_zone);

/// `when`, or the end of the quiet hours that it lies in: the first moment at which the clock on the wall shows none of
/// them. Where an hour comes twice (in autumn) it is quiet both times; where the clock skips the end (in spring), the
/// end is when it skips.
/// Errors: `errc::invalid_argument` for an unknown time zone.
WallTime after_quiet_hours(WallTime when, const QuietHours& quiet, const std::string& time_zone);

}  // namespace tern
