#include "reminder_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

using std::chrono::seconds;

namespace {

constexpr seconds longest = std::chrono::hours(24 * 366);
constexpr seconds shortest_interval = std::chrono::minutes(1);

/// A problem to tell the user.
struct Misunderstood {
  std::string problem;
};

/// The words of a message, one after the other.
class Words {
 public:
  explicit Words(std::string_view text) {
    for (std::size_t begin = text.find_first_not_of(" \t\r\n"); begin != std::string_view::npos;
         begin = text.find_first_not_of(" \t\r\n", begin)) {
      const auto end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
      words_.push_back(text.substr(begin, end - begin));
      begin = end;
    }
  }

  /// Goes past `word`, whether its letters are large or small; false when another comes.
  bool take(std::string_view word) {
    const bool same = at_ < words_.size() && lower(words_[at_]) == word;
    at_ += same ? 1 : 0;
    return same;
  }
  template <class Text>
  bool take_any(std::initializer_list<Text> all) {
    return std::any_of(all.begin(), all.end(), [this](const auto& word) { return take(word); });
  }
  bool empty() const noexcept { return at_ == words_.size(); }
  std::string_view next() { return empty() ? std::string_view() : words_[at_++]; }
  std::string next_lower() { return lower(next()); }
  void back() { --at_; }
  /// All that is left, as it was written.
  std::string rest() const {
    if (empty()) {
      return {};
    }
    const auto* begin = words_[at_].data();
    return {begin, words_.back().data() + words_.back().size()};
  }

  static std::string lower(std::string_view word) {
    std::string text(word);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
  }

 private:
  std::vector<std::string_view> words_;
  std::size_t at_ = 0;
};

// The number that `text` begins with, which is left without it.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<seconds> unit(std::string word) {
  if (word.size() > 1 && word.ends_with('s')) {
    word.pop_back();
  }
  constexpr std::array units{std::pair{"s", 1},       std::pair{"sec", 1},      std::pair{"second", 1},
                             std::pair{"m", 60},      std::pair{"min", 60},     std::pair{"minute", 60},
                             std::pair{"h", 3600},    std::pair{"hour", 3600},  std::pair{"d", 86400},
                             std::pair{"day", 86400}, std::pair{"week", 604800}};
  for (const auto& [name, length] : units) {
    if (word == name) {
      return seconds(length);
    }
  }
  return std::nullopt;
}

// "20 s", "20s", "5 minutes", "an hour"
seconds duration(Words& words) {
  const auto first = words.next_lower();
  std::string_view text = first;
  int count = 1;
  std::string name;
  if (first == "a" || first == "an") {
    name = words.next_lower();
  } else {
    const auto number = take_number(text);
    if (!number) {
      throw Misunderstood{"How long is \"" + first + "\"? Say \"20 s\", \"5 minutes\" or \"2 days\"."};
    }
    count = *number;
    name = text.empty() ? words.next_lower() : std::string(text);
  }
  const auto length = unit(name);
  if (!length) {
    throw Misunderstood{"\"" + name + "\" is no length of time that I know. Say s, minutes, hours, days or weeks."};
  }
  if (count < 1 || count > longest / *length) {
    throw Misunderstood{"I can wait for a second at least, and a year at most."};
  }
  return count * *length;
}

// "9", "9:30", "9am", "9:30pm"
tern::TimeOfDay time_of_day(Words& words) {
  const auto word = words.next_lower();
  std::string_view text = word;
  const auto hour = take_number(text);
  std::optional<int> minute = 0;
  if (hour && text.starts_with(':')) {
    text.remove_prefix(1);
    minute = text.size() >= 2 ? take_number(text) : std::nullopt;
  }
  if (text.empty() && words.take("am")) {
    text = "am";
  } else if (text.empty() && words.take("pm")) {
    text = "pm";
  }
  const bool half = text == "am" || text == "pm";
  const int most = half ? 12 : 23;
  const int least = half ? 1 : 0;
  if (!hour || !minute || *minute > 59 || *hour < least || *hour > most || !(half || text.empty())) {
    throw Misunderstood{"\"" + word + "\" is no time of the day. Say \"9\", \"18:30\" or \"6:30pm\"."};
  }
  return tern::TimeOfDay(half ? *hour % 12 + (text == "pm" ? 12 : 0) : *hour, *minute);
}

std::optional<tern::Recurrence::Day> weekday(std::string word) {
  constexpr std::array names{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (word == names[i]) {
      return static_cast<tern::Recurrence::Day>(i);
    }
  }
  return std::nullopt;
}

void want_at(Words& words) {
  if (!words.take("at")) {
    throw Misunderstood{"At what time? Say \"at 9\"."};
  }
}

Remind with_text(Remind remind, Words& words) {
  words.take_any({"to", "that"});
  remind.text = words.rest();
  if (remind.text.empty()) {
    throw Misunderstood{"Of what? Say \"remind me in 20 s to stretch\"."};
  }
  return remind;
}

// After "remind me" or "nag me".
Remind remind_once(Words& words) {
  Remind remind;
  if (words.take("in")) {
    remind.after = duration(words);
  } else if (words.take("at")) {
    remind.at = tern::Recurrence::daily(time_of_day(words));
  } else if (words.take("tomorrow")) {
    want_at(words);
    remind.tomorrow = time_of_day(words);
  } else if (words.take("on")) {
    const auto name = words.next_lower();
    const auto day = weekday(name);
    if (!day) {
      throw Misunderstood{"\"" + name + "\" is no day of the week."};
    }
    want_at(words);
    remind.at = tern::Recurrence::weekly(*day, time_of_day(words));
  } else {
    throw Misunderstood{
        "When? Say \"in 20 s\", \"at 18:30\", \"tomorrow at 9\", \"on friday at 10\" or \"every day at 9\"."};
  }
  return with_text(std::move(remind), words);
}

// After "every".
Remind remind_every(Words& words) {
  Remind remind;
  remind.again_and_again = true;
  const auto word = words.next_lower();
  if (word == "day") {
    want_at(words);
    remind.at = tern::Recurrence::daily(time_of_day(words));
  } else if (const auto day = weekday(word)) {
    want_at(words);
    remind.at = tern::Recurrence::weekly(*day, time_of_day(words));
  } else {
    if (!word.empty()) {
      words.back();
    }
    const auto one = unit(word);
    const auto interval = one ? (words.next(), *one) : duration(words);
    if (interval < shortest_interval) {
      throw Misunderstood{"Every minute is as often as I do it."};
    }
    remind.at = tern::Recurrence::every(interval);
  }
  return with_text(std::move(remind), words);
}

Request cancel(Words& words) {
  std::string_view text = words.next();
  const auto number = take_number(text);
  if (!number || *number == 0 || !text.empty()) {
    throw Misunderstood{"Which one? Say \"cancel 2\"; \"list\" shows the numbers."};
  }
  return Cancel{static_cast<std::size_t>(*number)};
}

Request quiet(Words& words) {
  if (words.take("off")) {
    return SetQuiet{};
  }
  words.take("from");
  const auto from = time_of_day(words);
  if (!words.take_any({"to", "until"})) {
    throw Misunderstood{"Say \"quiet 22:00 to 7:00\", or \"quiet off\"."};
  }
  const auto to = time_of_day(words);
  if (from == to) {
    throw Misunderstood{"That is no time at all. Say \"quiet off\" when I may always write."};
  }
  return SetQuiet{tern::QuietHours(from, to)};
}

Request understand(Words words) {
  const bool nag = words.take("nag");
  if (nag || words.take("remind")) {
    words.take("me");
    auto remind = words.take("every") ? remind_every(words) : remind_once(words);
    remind.nag = nag;
    return remind;
  }
  if (words.take("every")) {
    return remind_every(words);
  }
  if (words.take("list")) {
    return ListThem{};
  }
  if (words.take("cancel")) {
    return cancel(words);
  }
  if (words.take("quiet")) {
    return quiet(words);
  }
  if (words.take_any({"timezone", "zone"}) || (words.take("time") && words.take("zone"))) {
    return SetZone{std::string(words.next())};
  }
  return Explain{};
}

}  // namespace

tern::WallTime Remind::due(tern::WallTime now, const std::string& time_zone) const {
  if (after) {
    return now + *after;
  }
  if (tomorrow) {
    const auto day = tern::local_day(now, time_zone) + std::chrono::days(1);
    return tern::at_local(day, tomorrow->since_midnight(), time_zone);
  }
  return at->next(now, time_zone);
}

Request parse_request(std::string_view text) {
  try {
    return understand(Words(text));
  } catch (const Misunderstood& e) {
    return Explain{e.problem};
  }
}
