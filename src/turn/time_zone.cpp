#include "turn/time_zone.hpp"

#include <tern/error.hpp>

#include <date/tz.h>

#include <algorithm>
#include <array>

namespace tern::detail {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// The names of UTC that browsers and channels use.
constexpr std::array<std::string_view, 4> names_of_utc{"UTC", "Etc/UTC", "GMT", "Etc/GMT"};
constexpr std::string_view fixed = "UTC";

std::optional<int> two_digits(std::string_view text) noexcept {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() == 2 && digit(text[0]) && digit(text[1]) ? std::optional((text[0] - '0') * 10 + (text[1] - '0'))
                                                              : std::nullopt;
}

// Such as UTC+02:00 or UTC-05:30.
std::optional<seconds> fixed_offset(std::string_view name) noexcept {
  constexpr std::size_t size = 9;
  if (name.size() != size || !name.starts_with(fixed) || (name[3] != '+' && name[3] != '-') || name[6] != ':') {
    return std::nullopt;
  }
  const auto hours = two_digits(name.substr(4, 2));
  const auto rest = two_digits(name.substr(7, 2));
  if (!hours || !rest || *rest > 59 || minutes(*hours * 60 + *rest) > furthest_offset) {
    return std::nullopt;
  }
  const minutes east(*hours * 60 + *rest);
  return name[3] == '+' ? seconds(east) : -seconds(east);
}

// The folder of the database has more files than zones, such as `localtime`, which is this machine's own zone. The
// names of zones begin with a capital letter.
bool may_be_zone(std::string_view name) noexcept {
  return !name.empty() && name.front() >= 'A' && name.front() <= 'Z' && name != "Factory" &&
         name.find("..") == std::string_view::npos;
}

// The database has changes beyond the range of `WallTime`.
WallTime wall_time(date::sys_seconds when) noexcept {
  const auto latest = std::chrono::floor<seconds>(WallTime::max());
  return when < latest ? WallTime(when) : WallTime::max();
}

}  // namespace

std::optional<TimeZone> TimeZone::find(std::string_view name) noexcept {
  if (std::find(names_of_utc.begin(), names_of_utc.end(), name) != names_of_utc.end()) {
    return TimeZone(seconds(0));
  }
  if (const auto offset = fixed_offset(name)) {
    return TimeZone(*offset);
  }
  if (!may_be_zone(name)) {
    return std::nullopt;
  }
  try {
    const auto* found = date::locate_zone(name);
    (void)found->get_info(date::sys_seconds());  // its file is read now: one that cannot be read is an unknown zone
    return TimeZone(found);
  } catch (...) {
    return std::nullopt;
  }
}

TimeZone TimeZone::require(std::string_view name) {
  const auto found = find(name);
  if (!found) {
    throw_error(errc::invalid_argument, unknown_time_zone(name));
  }
  return *found;
}

TimeZone::Offset TimeZone::at(WallTime when) const {
  if (zone_ == nullptr) {
    return {fixed_};
  }
  const auto info = zone_->get_info(when);
  return {info.offset, wall_time(info.end)};
}

// In a gap, the offset before the gap counts. For a time that comes twice, the offset before the clock was set back
// counts. Both are the first offset of the result.
WallTime TimeZone::instant(LocalTime when) const {
  const auto east = zone_ == nullptr ? fixed_ : zone_->get_info(when).first.offset;
  return WallTime(when.time_since_epoch() - east);
}

bool has_time_zone_data() noexcept {
  try {
    return !date::get_tzdb().zones.empty();
  } catch (...) {
    return false;
  }
}

std::string unknown_time_zone(std::string_view name) {
  constexpr std::size_t longest = 80;
  auto text = "The time zone \"" + std::string(name.substr(0, longest)) + "\" is not known";
  if (!has_time_zone_data()) {
    return text +
           ": this machine has no time zone data. Install the package tzdata; UTC, and offsets such as UTC+02:00, work "
           "without it.";
  }
  return text + ". Use a name of the IANA database, such as Europe/Berlin, or an offset, such as UTC+02:00.";
}

std::string fixed_time_zone(minutes east) {
  if (east == minutes(0)) {
    return std::string(fixed);
  }
  const auto away = std::chrono::abs(east).count();
  const auto two = [](std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  return std::string(fixed) + (east < minutes(0) ? '-' : '+') + two(away / 60) + ':' + two(away % 60);
}

}  // namespace tern::detail
