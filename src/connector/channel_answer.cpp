#include "connector/channel_answer.hpp"

#include <tern/schema/parse.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace tern::connector {

namespace {

constexpr std::size_t detail_limit = 200;
constexpr std::chrono::seconds longest_wait(999'999'999);  // 31 years

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::string_view string_of(const boost::json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  const auto* text = found != nullptr ? found->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

/// Whether the text looks like a code of a channel, such as `BotNotInConversationRoster`, and not like a sentence.
bool is_code(std::string_view text) noexcept {
  constexpr std::size_t longest = 64;
  return text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
         });
}

// An error of the protocol has a code or a message.
bool is_protocol_error(const boost::json::object& object) {
  const auto* nested = object.if_contains("error");
  const auto* error = nested != nullptr ? nested->if_object() : nullptr;
  return error != nullptr && (!string_of(*error, "code").empty() || !string_of(*error, "message").empty());
}

/// Reads a date from left to right. After the first mismatch all later steps fail.
class DateReader {
 public:
  explicit DateReader(std::string_view text) noexcept : rest_(text) {}

  bool good() const noexcept { return good_ && rest_.empty(); }

  void skip(std::string_view literal) noexcept {
    good_ = good_ && rest_.starts_with(literal);
    rest_.remove_prefix(good_ ? literal.size() : 0);
  }
  /// Skips the rest of a word and the blanks after it.
  void skip_word() noexcept {
    const std::size_t end = rest_.find(' ');
    good_ = good_ && end != std::string_view::npos;
    rest_.remove_prefix(good_ ? std::min(rest_.find_first_not_of(' ', end), rest_.size()) : 0);
  }
  int number(std::size_t least, std::size_t most) noexcept {
    std::size_t count = 0;
    int value = 0;
    while (count < most && count < rest_.size() && is_digit(rest_[count])) {
      value = value * 10 + (rest_[count++] - '0');
    }
    good_ = good_ && count >= least;
    rest_.remove_prefix(good_ ? count : 0);
    return value;
  }
  unsigned month() noexcept {
    static constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const std::size_t at = rest_.size() >= 3 ? names.find(rest_.substr(0, 3)) : std::string_view::npos;
    good_ = good_ && at != std::string_view::npos && at % 3 == 0;
    rest_.remove_prefix(good_ ? 3 : 0);
    return good_ ? static_cast<unsigned>(at / 3 + 1) : 0;
  }
  std::chrono::seconds time() noexcept {
    const int hour = number(2, 2);
    skip(":");
    const int minute = number(2, 2);
    skip(":");
    const int second = number(2, 2);
    good_ = good_ && hour < 24 && minute < 60 && second <= 60;
    return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// Seconds, because they can hold every year of four digits; `WallTime` ends in 2262.
using Date = std::chrono::sys_seconds;

std::optional<Date> at(int year, unsigned month, int day, std::chrono::seconds time) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date) + time;
}

/// `Sun Nov  6 08:49:37 1994`
std::optional<Date> parse_asctime(std::string_view text) {
  DateReader read(text);
  read.skip_word();
  const unsigned month = read.month();
  read.skip_word();
  const int day = read.number(1, 2);
  read.skip(" ");
  const auto time = read.time();
  read.skip(" ");
  const int year = read.number(4, 4);
  return read.good() ? at(year, month, day, time) : std::nullopt;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` and `Sunday, 06-Nov-94 08:49:37 GMT`
std::optional<Date> parse_fixdate(std::string_view text, WallTime now) {
  const std::string_view between = text.find('-') == std::string_view::npos ? " " : "-";
  DateReader read(text);
  read.skip_word();
  const int day = read.number(2, 2);
  read.skip(between);
  const unsigned month = read.month();
  read.skip(between);
  const std::size_t digits = between == "-" ? 2 : 4;
  int year = read.number(digits, digits);
  read.skip(" ");
  const auto time = read.time();
  read.skip(" GMT");
  if (!read.good()) {
    return std::nullopt;
  }
  if (digits == 2) {
    // RFC 9110, 5.6.7: a year of two digits that would be more than 50 years ahead means the year in the past.
    const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
    const int current = static_cast<int>(today.year());
    year += current - current % 100;
    if (year > current + 50) {
      year -= 100;
    } else if (year + 100 <= current + 50) {
      year += 100;
    }
  }
  return at(year, month, day, time);
}

}  // namespace

std::optional<boost::json::object> object_in(const Answer& answer) {
  if (answer.body.empty()) {
    return std::nullopt;
  }
  auto parsed = parse_json(answer.body);
  if (!parsed || !parsed->is_object()) {
    return std::nullopt;
  }
  return std::move(parsed->get_object());
}

ChannelError channel_error(const Answer& answer, WallTime now, std::chrono::milliseconds longest_retry_after) {
  auto retry_after = parse_retry_after(answer.retry_after, now);
  if (retry_after) {
    retry_after = std::min(*retry_after, longest_retry_after);
  }
  const auto object = object_in(answer);
  if (!object) {
    const auto by = answer.body.empty() ? ChannelError::By::nobody : ChannelError::By::stranger;
    return {answer.status, {}, retry_after, {}, by};  // the body is empty, or something like a page of HTML
  }
  const auto* nested = object->if_contains("error");
  const auto* error = nested != nullptr ? nested->if_object() : nullptr;
  const boost::json::object& said = error != nullptr ? *error : *object;
  const std::string_view code = string_of(said, "code");
  return {answer.status, is_code(code) ? std::string(code) : std::string(), retry_after,
          shortened(string_of(said, "message")),
          is_protocol_error(*object) ? ChannelError::By::channel : ChannelError::By::stranger};
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, WallTime now) {
  if (text.empty()) {
    return std::nullopt;
  }
  if (std::all_of(text.begin(), text.end(), is_digit)) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool huge = error != std::errc{} || seconds > longest_wait.count();
    return huge ? longest_wait : std::chrono::seconds(seconds);
  }
  const auto when = text.ends_with("GMT") ? parse_fixdate(text, now) : parse_asctime(text);
  if (!when) {
    return std::nullopt;
  }
  const auto wait = *when - std::chrono::floor<std::chrono::seconds>(now);
  if (wait <= std::chrono::seconds(0) || wait > longest_wait) {
    return wait > longest_wait ? longest_wait : std::chrono::seconds(0);
  }
  return std::chrono::ceil<std::chrono::milliseconds>(WallTime(*when) - now);
}

std::string shortened(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const std::string_view character = text.substr(i, size);
    i += size;
    const auto second = static_cast<unsigned char>(character.size() > 1 ? character[1] : 0);
    const bool control = lead < 0x20 || lead == 0x7f || (lead == 0xc2 && second < 0xa0);
    if (control) {
      continue;
    }
    if (out.size() + character.size() > detail_limit) {
      break;
    }
    out.append(character);
  }
  return out;
}

}  // namespace tern::connector
