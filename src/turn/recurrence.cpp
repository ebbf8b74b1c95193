#include <tern/turn/recurrence.hpp>

#include "turn/make_send.hpp"
#include "turn/time_zone.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <charconv>

namespace tern {

namespace {

using std::chrono::minutes;
using LocalDays = date::local_days;
using detail::TimeZone;
using LocalTime = TimeZone::LocalTime;

constexpr std::chrono::seconds shortest_interval{60};
constexpr std::chrono::seconds longest_interval = detail::send_horizon;

TimeOfDay time_of_day(LocalTime when) {
  const auto since = std::chrono::floor<minutes>(when - std::chrono::floor<date::days>(when)).count();
  return TimeOfDay(static_cast<int>(since / 60), static_cast<int>(since % 60));
}

std::optional<int> number(std::string_view text) noexcept {
  int value = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end && !text.empty() ? std::optional(value) : std::nullopt;
}

Recurrence::Day weekday_of(LocalDays day) {
  return static_cast<Recurrence::Day>(date::weekday(day).iso_encoding() - 1);
}

// A whole number in a JSON object; nullopt when it is missing or has another type.
std::optional<std::int64_t> integer(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? std::optional(value->as_int64()) : std::nullopt;
}

}  // namespace

TimeOfDay::TimeOfDay(int hour, int minute) : minutes_(hour * 60 + minute) {
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) {
    throw_error(errc::invalid_argument, "A time of day has an hour from 0 to 23 and a minute from 0 to 59, not " +
                                            std::to_string(hour) + ":" + std::to_string(minute) + ".");
  }
}

std::optional<TimeOfDay> TimeOfDay::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 2 || text.size() != colon + 3) {
    return std::nullopt;
  }
  const auto hour = number(text.substr(0, colon));
  const auto minute = number(text.substr(colon + 1));
  if (!hour || !minute || *hour < 0 || *hour > 23 || *minute < 0 || *minute > 59) {
    return std::nullopt;
  }
  return TimeOfDay(*hour, *minute);
}

std::string TimeOfDay::to_string() const {
  const auto two = [](std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  return two(minutes_.count() / 60) + ":" + two(minutes_.count() % 60);
}

bool QuietHours::contains(TimeOfDay time) const noexcept {
  return from_ <= to_ ? from_ <= time && time < to_ : time >= from_ || time < to_;
}

Recurrence Recurrence::every(std::chrono::seconds interval) {
  if (interval < shortest_interval) {
    throw_error(errc::invalid_argument,
                "The interval of a recurrence is at least one minute, not " + std::to_string(interval.count()) + " s.");
  }
  // With a longer interval the next time could be out of the clock's range and wrap into the past. The send would be
  // due at once, again and again.
  if (interval > longest_interval) {
    throw_error(errc::invalid_argument,
                "The interval of a recurrence is at most five years, not " + std::to_string(interval.count()) + " s.");
  }
  Recurrence made;
  made.interval_ = interval;
  return made;
}

Recurrence Recurrence::daily(TimeOfDay at) {
  return weekly(Days().set(), at);
}

Recurrence Recurrence::weekly(Days days, TimeOfDay at) {
  if (days.none()) {
    throw_error(errc::invalid_argument, "A weekly recurrence names at least one day.");
  }
  Recurrence made;
  made.kind_ = Kind::weekly;
  made.days_ = days;
  made.at_ = at;
  return made;
}

Recurrence Recurrence::weekly(Day day, TimeOfDay at) {
  return weekly(Days().set(static_cast<std::size_t>(day)), at);
}

Recurrence Recurrence::monthly(int day, TimeOfDay at) {
  if (day < 1 || day > 31) {
    throw_error(errc::invalid_argument,
                "A monthly recurrence names a day from 1 to 31, not " + std::to_string(day) + ".");
  }
  Recurrence made;
  made.kind_ = Kind::monthly;
  made.day_of_month_ = day;
  made.at_ = at;
  return made;
}

WallTime Recurrence::next(WallTime after, const std::string& time_zone) const {
  const auto there = TimeZone::require(time_zone);
  if (kind_ == Kind::interval) {
    return after + interval_;
  }
  const auto matches = [this](LocalDays day) {
    if (kind_ == Kind::weekly) {
      return days_.test(static_cast<std::size_t>(weekday_of(day)));
    }
    const date::year_month_day date(day);
    const auto last = static_cast<unsigned>((date.year() / date.month() / date::last).day());
    return static_cast<unsigned>(date.day()) == std::min(static_cast<unsigned>(day_of_month_), last);
  };
  // The search begins a day earlier, because a gap of the clock may move yesterday's time behind `after`. 40 days
  // contain each day of a month.
  constexpr int enough = 40;
  auto day = std::chrono::floor<date::days>(there.local(after)) - date::days(1);
  for (int i = 0; i < enough; ++i, day += date::days(1)) {
    if (matches(day)) {
      const auto when = there.instant(LocalTime(day) + at_.since_midnight());
      if (when > after) {
        return when;
      }
    }
  }
  throw_error(errc::invalid_argument, "The recurrence has no next time.");
}

json::object Recurrence::to_json() const {
  json::object object;
  switch (kind_) {
    case Kind::interval:
      object["seconds"] = interval_.count();
      break;
    case Kind::weekly:
      object["days"] = static_cast<std::int64_t>(days_.to_ulong());
      object["at"] = at_.to_string();
      break;
    case Kind::monthly:
      object["day"] = day_of_month_;
      object["at"] = at_.to_string();
      break;
  }
  return object;
}

std::optional<Recurrence> Recurrence::from_json(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) {
    return std::nullopt;
  }
  if (const auto seconds = integer(*object, "seconds");
      seconds && *seconds >= shortest_interval.count() && *seconds <= longest_interval.count()) {
    return every(std::chrono::seconds(*seconds));
  }
  const auto* text = object->if_contains("at");
  const auto at = text != nullptr && text->is_string() ? TimeOfDay::parse(text->as_string()) : std::nullopt;
  const auto days = integer(*object, "days");
  if (at && days && *days > 0 && *days < 1 << 7) {
    return weekly(Days(static_cast<unsigned long>(*days)), *at);
  }
  const auto day = integer(*object, "day");
  if (at && day && *day >= 1 && *day <= 31) {
    return monthly(static_cast<int>(*day), *at);
  }
  return std::nullopt;
}

bool is_time_zone(std::string_view name) noexcept {
  return TimeZone::find(name).has_value();
}

std::chrono::local_days local_day(WallTime when, const std::string& time_zone) {
  const auto day = std::chrono::floor<date::days>(TimeZone::require(time_zone).local(when));
  return std::chrono::local_days(std::chrono::days(day.time_since_epoch().count()));
}

WallTime at_local(std::chrono::local_days day, std::chrono::seconds time, const std::string& time_zone) {
  using std::chrono::year;
  if (time < std::chrono::seconds(0) || time >= std::chrono::hours(24)) {
    throw_error(errc::invalid_argument,
                "A time of the day is from 0 h to below 24 h, not " + std::to_string(time.count()) + " s.");
  }
  // A clock of nanoseconds ends not far beyond these years.
  if (day < std::chrono::local_days(year(1700) / 1 / 1) || day > std::chrono::local_days(year(2200) / 12 / 31)) {
    throw_error(errc::invalid_argument, "A day lies in the years 1700 to 2200.");
  }
  const LocalDays there(date::days(day.time_since_epoch().count()));
  return TimeZone::require(time_zone).instant(LocalTime(there) + time);
}

std::string local_time_text(WallTime when, const std::string& time_zone) {
  return date::format("%a %F %H:%M", std::chrono::floor<minutes>(TimeZone::require(time_zone).local(when)));
}

// Quiet hours are hours that the local clock shows. When the clock is set back, an hour that it shows twice is quiet
// twice. An hour that the clock skips does not hold a message any longer.
WallTime after_quiet_hours(WallTime when, const QuietHours& quiet, const std::string& time_zone) {
  const auto there = TimeZone::require(time_zone);
  constexpr int enough = 8;  // no clock changes so often in a day
  for (int changes = 0; changes < enough; ++changes) {
    const auto [east, until] = there.at(when);
    const LocalTime here(when.time_since_epoch() + east);
    if (!quiet.contains(time_of_day(here))) {
      return when;
    }
    LocalTime end = LocalTime(std::chrono::floor<date::days>(here)) + quiet.to().since_midnight();
    end += end > here ? date::days(0) : date::days(1);
    const WallTime awake(end.time_since_epoch() - east);
    if (awake < until) {
      return awake;
    }
    when = until;  // the clock changes before that; check whether its new time is still quiet
  }
  return when;
}

}  // namespace tern
