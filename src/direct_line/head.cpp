#include "direct_line/head.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tern::direct_line {

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t head_version = 1;

std::int64_t to_number(WallTime time) {
  return std::chrono::floor<milliseconds>(time.time_since_epoch()).count();
}

// A number in the store that is no time may be beyond what a time can be.
WallTime to_time(std::int64_t number) {
  constexpr auto latest = std::chrono::floor<milliseconds>(WallTime::max().time_since_epoch()).count();
  return WallTime(milliseconds(std::clamp(number, std::int64_t{0}, std::int64_t{latest})));
}

std::int64_t number_in(const json::value* value) {
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::string text_in(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag_in(const json::value* value) {
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::array* pairs_in(const json::value* value) {
  return value != nullptr ? value->if_array() : nullptr;
}

json::array to_pairs(const std::vector<Head::Key>& keys) {
  json::array pairs;
  for (const auto& key : keys) {
    pairs.emplace_back(key.digest);
    pairs.emplace_back(static_cast<std::int64_t>(key.seq));
  }
  return pairs;
}

// A head of an earlier version has no bytes: its activities count for nothing.
std::vector<Head::Mark> marks_in(const json::object& fields) {
  std::vector<Head::Mark> marks;
  const auto* pairs = pairs_in(fields.if_contains("marks"));
  const auto* bytes = pairs_in(fields.if_contains("bytesAtMarks"));
  for (std::size_t i = 0; pairs != nullptr && i + 1 < pairs->size(); i += 2) {
    const auto* at = bytes != nullptr && i / 2 < bytes->size() ? &(*bytes)[i / 2] : nullptr;
    marks.push_back({static_cast<std::uint64_t>(number_in(&(*pairs)[i])), to_time(number_in(&(*pairs)[i + 1])),
                     static_cast<std::uint64_t>(number_in(at))});
  }
  return marks;
}

std::vector<Head::Key> keys_in(const json::value* value) {
  std::vector<Head::Key> keys;
  if (const auto* pairs = pairs_in(value)) {
    for (std::size_t i = 0; i + 1 < pairs->size(); i += 2) {
      keys.push_back({text_in(&(*pairs)[i]), static_cast<std::uint64_t>(number_in(&(*pairs)[i + 1]))});
    }
  }
  return keys;
}

// A head of an earlier version has none.
std::vector<Head::Run> runs_in(const json::value* value) {
  constexpr std::size_t members = 3;
  std::vector<Head::Run> runs;
  const auto* all = pairs_in(value);
  for (std::size_t i = 0; all != nullptr && i + members <= all->size(); i += members) {
    runs.push_back({text_in(&(*all)[i]), static_cast<std::uint64_t>(number_in(&(*all)[i + 1])),
                    static_cast<std::uint64_t>(number_in(&(*all)[i + 2]))});
  }
  return runs;
}

json::array to_array(const std::vector<Head::Run>& runs) {
  json::array all;
  for (const auto& run : runs) {
    all.emplace_back(run.digest);
    all.emplace_back(static_cast<std::int64_t>(run.number));
    all.emplace_back(static_cast<std::int64_t>(run.seq));
  }
  return all;
}

}  // namespace

std::string write_head(const Head& head) {
  json::array marks;
  json::array bytes_at_marks;
  for (const auto& mark : head.marks) {
    marks.emplace_back(static_cast<std::int64_t>(mark.seq));
    marks.emplace_back(to_number(mark.time));
    bytes_at_marks.emplace_back(static_cast<std::int64_t>(mark.bytes));
  }
  const json::object fields{{"v", head_version},
                            {"channel", head.channel},
                            {"user", head.user},
                            {"name", head.user_name},
                            {"locale", head.locale},
                            {"streams", head.streams},
                            {"ended", head.ended},
                            {"first", static_cast<std::int64_t>(head.first)},
                            {"last", static_cast<std::int64_t>(head.last)},
                            {"bytes", static_cast<std::int64_t>(head.bytes)},
                            {"changed", to_number(head.changed)},
                            {"marks", std::move(marks)},
                            {"bytesAtMarks", std::move(bytes_at_marks)},
                            {"keys", to_pairs(head.keys)},
                            {"posts", to_pairs(head.posts)},
                            {"runs", to_array(head.runs)}};
  return json::serialize(fields);
}

std::optional<Head> read_head(std::string_view text) {
  const auto value = parse_json(text);
  const auto* fields = value ? value->if_object() : nullptr;
  if (fields == nullptr || number_in(fields->if_contains("v")) != head_version) {
    return std::nullopt;
  }
  Head head;
  head.channel = text_in(fields->if_contains("channel"));
  head.user = text_in(fields->if_contains("user"));
  head.user_name = text_in(fields->if_contains("name"));
  head.locale = text_in(fields->if_contains("locale"));
  head.streams = flag_in(fields->if_contains("streams"));
  head.ended = flag_in(fields->if_contains("ended"));
  head.first = static_cast<std::uint64_t>(number_in(fields->if_contains("first")));
  head.last = static_cast<std::uint64_t>(number_in(fields->if_contains("last")));
  head.bytes = static_cast<std::uint64_t>(number_in(fields->if_contains("bytes")));
  head.changed = to_time(number_in(fields->if_contains("changed")));
  head.marks = marks_in(*fields);
  head.keys = keys_in(fields->if_contains("keys"));
  head.posts = keys_in(fields->if_contains("posts"));
  head.runs = runs_in(fields->if_contains("runs"));
  return head;
}

}  // namespace tern::direct_line
