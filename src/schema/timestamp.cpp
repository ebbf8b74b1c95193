#include <tern/schema/timestamp.hpp>

#include "schema/moment.hpp"

#include <array>

namespace tern {
namespace {

using std::chrono::system_clock;
using Nanoseconds = std::chrono::nanoseconds;

/// Reads pieces from the front of a text. A piece that does not match makes `ok` false.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return rest_.empty(); }

  /// Exactly `count` digits.
  int digits(std::size_t count) noexcept {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!next_is_digit()) {
        ok_ = false;
        return 0;
      }
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  bool skip(char wanted) noexcept {
    if (rest_.empty() || rest_.front() != wanted) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) noexcept { ok_ = skip(wanted) && ok_; }

  /// 1 to 9 digits of a fraction, as nanoseconds.
  Nanoseconds fraction() noexcept {
    int value = 0;
    int count = 0;
    for (; count < 9 && next_is_digit(); ++count) {
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    ok_ = ok_ && count > 0 && !next_is_digit();
    for (; count < 9; ++count) {
      value *= 10;
    }
    return Nanoseconds(value);
  }

 private:
  bool next_is_digit() const noexcept { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }

  std::string_view rest_;
  bool ok_ = true;
};

/// Reads the offset behind the time of day: `Z`, `+01:00`, or nothing. nullopt for any other text.
std::optional<std::chrono::minutes> read_offset(Reader& reader) noexcept {
  if (reader.at_end() || reader.skip('Z') || reader.skip('z')) {
    return std::chrono::minutes(0);
  }
  const bool west = reader.skip('-');
  if (!west) {
    reader.expect('+');
  }
  const int hours = reader.digits(2);
  reader.expect(':');
  const int minutes = reader.digits(2);
  if (!reader.ok() || hours > 23 || minutes > 59) {
    return std::nullopt;
  }
  const auto east = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return west ? -east : east;
}

/// Converts seconds since 1970 and a fraction to the clock's type; to its first or last moment when the time is out of
/// range.
system_clock::time_point clamped(std::chrono::seconds seconds, Nanoseconds fraction) noexcept {
  using std::chrono::floor;
  // One second inside the range, so that adding the fraction stays inside.
  constexpr auto first = std::chrono::ceil<std::chrono::seconds>(system_clock::duration::min());
  constexpr auto last = floor<std::chrono::seconds>(system_clock::duration::max()) - std::chrono::seconds(1);
  if (seconds < first) {
    return system_clock::time_point::min();
  }
  if (seconds > last) {
    return system_clock::time_point::max();
  }
  return system_clock::time_point(seconds) + std::chrono::duration_cast<system_clock::duration>(fraction);
}

void write_digits(char* to, unsigned value, int count) noexcept {
  for (int i = count - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

std::optional<detail::Moment> detail::parse_moment(std::string_view text) noexcept {
  Reader reader(text);
  const int year = reader.digits(4);
  reader.expect('-');
  const int month = reader.digits(2);
  reader.expect('-');
  const int day = reader.digits(2);
  if (!reader.skip('T')) {
    reader.expect('t');
  }
  const int hour = reader.digits(2);
  reader.expect(':');
  const int minute = reader.digits(2);
  reader.expect(':');
  const int second = reader.digits(2);
  const Nanoseconds fraction = reader.ok() && reader.skip('.') ? reader.fraction() : Nanoseconds(0);
  const auto offset = read_offset(reader);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!reader.ok() || !offset || !reader.at_end() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  const std::chrono::seconds local = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                                     std::chrono::minutes(minute) + std::chrono::seconds(second);
  const std::chrono::seconds utc_seconds = local - *offset;
  // A leap second is only allowed at the end of a UTC day. It counts as the next midnight.
  if (second == 60 && utc_seconds.count() % 86400 != 0) {
    return std::nullopt;
  }
  return Moment{clamped(utc_seconds, fraction), *offset};
}

std::optional<Timestamp> Timestamp::parse(std::optional<std::string_view> text) {
  const auto moment = text ? detail::parse_moment(*text) : std::nullopt;
  return moment ? std::optional(Timestamp(std::string(*text), moment->time, moment->offset)) : std::nullopt;
}

Timestamp Timestamp::utc(system_clock::time_point time) {
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(millis);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss of_day(millis - day);
  std::array<char, 24> text{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 'T', '0',
                            '0', ':', '0', '0', ':', '0', '0', '.', '0', '0', '0', 'Z'};
  write_digits(text.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
  write_digits(text.data() + 5, static_cast<unsigned>(date.month()), 2);
  write_digits(text.data() + 8, static_cast<unsigned>(date.day()), 2);
  write_digits(text.data() + 11, static_cast<unsigned>(of_day.hours().count()), 2);
  write_digits(text.data() + 14, static_cast<unsigned>(of_day.minutes().count()), 2);
  write_digits(text.data() + 17, static_cast<unsigned>(of_day.seconds().count()), 2);
  write_digits(text.data() + 20, static_cast<unsigned>(of_day.subseconds().count()), 3);
  // The clock's first moment is no whole millisecond, and the millisecond before it is out of range.
  constexpr auto first = std::chrono::ceil<std::chrono::milliseconds>(system_clock::duration::min());
  const auto kept = millis.time_since_epoch() < first ? time : system_clock::time_point(millis);
  return Timestamp(std::string(text.data(), text.size()), kept, std::chrono::minutes(0));
}

}  // namespace tern
