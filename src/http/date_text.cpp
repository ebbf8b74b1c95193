#include "http/date_text.hpp"

#include <array>
#include <cstdio>

namespace tern::http {

namespace {

using namespace std::chrono;

constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string text_of(sys_seconds when) {
  const auto day = floor<std::chrono::days>(when);
  const year_month_day date(day);
  const hh_mm_ss time(when - day);
  std::array<char, 64> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", days[weekday(day).c_encoding()],
                    unsigned{date.day()}, months[unsigned{date.month()} - 1], int{date.year()},
                    static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                    static_cast<int>(time.seconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string_view DateText::at(WallTime now) {
  const auto second = floor<seconds>(now);
  if (second != second_ || text_.empty()) {
    text_ = text_of(second);
    second_ = second;
  }
  return text_;
}

}  // namespace tern::http
