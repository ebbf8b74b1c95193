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

/// A time of the day, as a clock on the wall shows it, on any day in any zone.
class TimeOfDay {
 public:
  /// Errors: `errc::invalid_argument` unless `hour` is 0 to 23 and `minute` 0 to 59.
  explicit TimeOfDay(int hour, int minute = 0);
  /// From `HH:MM`; nullopt for any other text.
  static std::optional<TimeOfDay> parse(std::string_view text);

  /// The time that has passed since 00:00.
  std::chrono::minutes since_midnight() const noexcept { return minutes_; }
  /// `HH:MM`.
  std::string to_string() const;
  /// The earlier time is less.
  friend auto operator<=>(const TimeOfDay&, const TimeOfDay&) = default;

 private:
  std::chrono::minutes minutes_;
};

/// Hours of the day in which no message is sent, as a clock on the wall shows them: from `from` until `to`, over
/// midnight when `from` is later than `to`. Equal times mean no hours.
class QuietHours {
 public:
  /// From `from` until `to`. Equal times mean no hours.
  QuietHours(TimeOfDay from, TimeOfDay to) : from_(from), to_(to) {}

  /// The beginning.
  TimeOfDay from() const noexcept { return from_; }
  /// The end, which is not quiet any more.
  TimeOfDay to() const noexcept { return to_; }
  /// Whether it is quiet at this time.
  bool contains(TimeOfDay time) const noexcept;

 private:
  TimeOfDay from_;
  TimeOfDay to_;
};

/// A rule for times that come again and again: at an interval, or at a time of the day in the user's time zone. When
/// the clock skips that time (in spring), the recurrence comes as much later as the clock skips. When the clock shows
/// that time twice (in autumn), the first one counts.
class Recurrence {
 public:
  /// A day of the week.
  enum class Day : std::uint8_t { monday, tuesday, wednesday, thursday, friday, saturday, sunday };
  /// Days of the week; bit 0 is Monday.
  using Days = std::bitset<7>;

  /// At this interval.
  /// Errors: `errc::invalid_argument` for less than a minute, or more than five years (no send is due later).
  static Recurrence every(std::chrono::seconds interval);
  /// Every day at this time.
  static Recurrence daily(TimeOfDay at);
  ///@{
  /// On these days of the week at this time.
  /// Errors: `errc::invalid_argument` without a day.
  static Recurrence weekly(Days days, TimeOfDay at);
  static Recurrence weekly(Day day, TimeOfDay at);
  ///@}
  /// On this day of each month at this time; in a month without that day, on its last day.
  /// Errors: `errc::invalid_argument` unless `day` is 1 to 31.
  static Recurrence monthly(int day, TimeOfDay at);

  /// The first time after `after`. `time_zone`: as `is_time_zone` takes it.
  /// Errors: `errc::invalid_argument` for an unknown time zone.
  WallTime next(WallTime after, const std::string& time_zone = "UTC") const;

  /// Whether it comes at an interval, and not at a time of the day.
  bool is_interval() const noexcept { return kind_ == Kind::interval; }

  /// The form in which a send keeps it.
  json::object to_json() const;
  /// From such JSON; nullopt for any other.
  static std::optional<Recurrence> from_json(const json::value& value);
  /// The same rule.
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

/// Whether this is a time zone: a name of the system's IANA database, such as `Europe/Berlin`; `UTC`; or a fixed offset
/// of at most 14 hours, such as `UTC+02:00`. The last two need no database.
bool is_time_zone(std::string_view name) noexcept;

/// The day in the zone at this moment, as a calendar there shows it. Days can be added to it:
/// `local_day(now, zone) + std::chrono::days(1)` is tomorrow.
/// Errors: `errc::invalid_argument` for an unknown time zone.
std::chrono::local_days local_day(WallTime when, const std::string& time_zone);

/// The moment at which the clocks of the zone show this time of that day: `at_local(tomorrow, 9h, zone)`. When the
/// clocks skip that time (in spring), the moment is as much later as they skip. When they show it twice (in autumn),
/// the first one counts. `Recurrence` has the same rule. Errors: `errc::invalid_argument` for an unknown time zone, for
/// a time that is not from 0 h to below 24 h, and for a day
///   outside the years 1700 to 2200.
WallTime at_local(std::chrono::local_days day, std::chrono::seconds time, const std::string& time_zone);

/// The date and the time that a clock on the wall shows in the zone: `Fri 2026-11-27 09:00`.
/// Errors: `errc::invalid_argument` for an unknown time zone.
std::string local_time_text(WallTime when, const std::string& time_zone);

/// `when`, or, if that lies in quiet hours, their end: the first moment at which the clock on the wall shows none of
/// them. When the clock shows an hour twice (in autumn), it is quiet both times. When the clock skips the end (in
/// spring), the quiet hours end at the moment of the skip. Errors: `errc::invalid_argument` for an unknown time zone.
WallTime after_quiet_hours(WallTime when, const QuietHours& quiet, const std::string& time_zone);

}  // namespace tern
