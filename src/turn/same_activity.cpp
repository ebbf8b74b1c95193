#include "turn/same_activity.hpp"

#include "schema/moment.hpp"
#include "storage/sha256.hpp"

#include <tern/schema/timestamp.hpp>
#include <tern/storage/types.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace tern::detail {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view token_exchange = "signin/tokenExchange";

// Members that do not count as content: some are compared on their own (type, id, delivery mode), some are equal in the
// whole conversation, and some differ at each delivery.
constexpr std::array no_content{
    "type"sv,     "id"sv,           "deliveryMode"sv,   "channelId"sv,     "conversation"sv,     "serviceUrl"sv,
    "callerId"sv, "rawTimestamp"sv, "localTimestamp"sv, "localTimezone"sv, "rawLocalTimestamp"sv};
// Only the ids of these accounts count.
constexpr std::array accounts{"from"sv, "recipient"sv, "membersAdded"sv, "membersRemoved"sv};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view text_of(const json::value& value) noexcept {
  const auto* text = value.if_string();
  return text != nullptr ? std::string_view(text->data(), text->size()) : std::string_view();
}

// The id of an account or a conversation.
std::string_view id_in(const json::value& value) noexcept {
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      if (member.key().size() == 2 && std::memcmp(member.key_c_str(), "id", 2) == 0) {
        return text_of(member.value());
      }
    }
  }
  return {};
}

void add_value(WideHash& hash, const json::value& value) noexcept;

// The order of members does not count, because a proxy may write them in another order.
void add_object(WideHash& hash, const json::object& object) noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  for (const auto& member : object) {
    WideHash each;
    each.add(std::string_view(member.key()));
    add_value(each, member.value());
    high += each.high();
    low += each.low();
  }
  hash.add(high);
  hash.add(low);
}

void add_number(WideHash& hash, const json::value& value) noexcept {
  if (const auto* whole = value.if_int64()) {
    hash.add(static_cast<std::uint64_t>(*whole));
  } else if (const auto* large = value.if_uint64()) {
    hash.add(*large);
  } else if (const auto* real = value.if_double()) {
    hash.add(std::bit_cast<std::uint64_t>(*real));
  }
}

void add_value(WideHash& hash, const json::value& value) noexcept {
  hash.add(static_cast<std::uint64_t>(value.kind()));
  if (const auto* object = value.if_object()) {
    add_object(hash, *object);
  } else if (const auto* array = value.if_array()) {
    hash.add(array->size());
    for (const auto& item : *array) {
      add_value(hash, item);
    }
  } else if (value.is_string()) {
    hash.add(text_of(value));
  } else if (const auto* flag = value.if_bool()) {
    hash.add(std::uint64_t{*flag});
  } else {
    add_number(hash, value);
  }
}

void add_account(WideHash& hash, const json::value& value) noexcept {
  hash.add(id_in(value));
}

void add_accounts(WideHash& hash, const json::value& value) noexcept {
  if (const auto* list = value.if_array()) {
    for (const auto& each : *list) {
      add_account(hash, each);
    }
  } else {
    add_account(hash, value);
  }
}

void add_content(WideHash& hash, const json::object& activity) noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  for (const auto& member : activity) {
    const std::string_view name = member.key();
    if (is_one_of(name, no_content)) {
      continue;
    }
    WideHash each;
    each.add(name);
    if (is_one_of(name, accounts)) {
      add_accounts(each, member.value());
    } else {
      add_value(each, member.value());
    }
    high += each.high();
    low += each.low();
  }
  hash.add(high);
  hash.add(low);
}

/// The `value.id` of a token exchange; "" for any other activity.
std::string_view exchanged(const Activity& activity, const ActivityHead& head) noexcept {
  if (head.type != activity_types::invoke || activity.name() != token_exchange) {
    return {};
  }
  const auto* value = activity.value();
  const auto* fields = value != nullptr ? value->if_object() : nullptr;
  const auto* id = fields != nullptr ? fields->if_contains("id") : nullptr;
  return id != nullptr ? text_of(*id) : std::string_view();
}

std::optional<std::int64_t> moment_of(std::string_view timestamp) noexcept {
  using std::chrono::system_clock;
  const auto moment = timestamp.empty() ? std::nullopt : parse_moment(timestamp);
  const bool in_range =
      moment && moment->time != system_clock::time_point::min() && moment->time != system_clock::time_point::max();
  return in_range ? std::optional(std::chrono::nanoseconds(moment->time.time_since_epoch()).count()) : std::nullopt;
}

// In UTC, to the second, or with as many digits as it needs and at least milliseconds. So do most channels write it,
// and stored keys have it.
std::string text_of_moment(std::int64_t nanoseconds) {
  constexpr std::int64_t in_a_second = 1'000'000'000;
  constexpr std::int64_t in_a_milli = 1'000'000;
  constexpr std::size_t to_the_second = 19;  // characters
  using std::chrono::system_clock;
  const system_clock::time_point time(
      std::chrono::duration_cast<system_clock::duration>(std::chrono::nanoseconds(nanoseconds)));
  std::string text = Timestamp::utc(time).text();
  auto finer = (nanoseconds % in_a_milli + in_a_milli) % in_a_milli;
  if (nanoseconds % in_a_second == 0) {
    text.replace(to_the_second, std::string::npos, "Z");
  } else if (finer != 0) {
    text.pop_back();  // the Z
    for (auto unit = in_a_milli / 10; finer != 0; unit /= 10) {
      text += static_cast<char>('0' + finer / unit);
      finer %= unit;
    }
    text += 'Z';
  }
  return text;
}

}  // namespace

void WideHash::add(std::uint64_t word) noexcept {
  a_ = std::rotl((a_ ^ word) * 0x9E3779B97F4A7C15ULL, 29);
  b_ = std::rotl((b_ ^ word) * 0xD6E8FEB86659FD93ULL, 41);
}

void WideHash::add(std::string_view text) noexcept {
  add(std::uint64_t{text.size()});
  std::uint64_t word = 0;
  while (text.size() >= sizeof(word)) {
    std::memcpy(&word, text.data(), sizeof(word));
    add(word);
    text.remove_prefix(sizeof(word));
  }
  if (!text.empty()) {
    word = 0;
    std::memcpy(&word, text.data(), text.size());
    add(word);
  }
}

// The finalizer of MurmurHash3.
std::uint64_t WideHash::finish(std::uint64_t value) noexcept {
  value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCDULL;
  value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return value ^ (value >> 33);
}

// This runs for each turn. A comparison of constant length needs no function call.
ActivityHead head_of(const Activity& activity) noexcept {
  ActivityHead head;
  for (const auto& member : activity.json()) {
    const char* const name = member.key_c_str();
    const auto is = [&]<std::size_t N>(const char(&other)[N]) { return std::memcmp(name, other, N - 1) == 0; };
    std::string_view* text = nullptr;
    std::string_view* id = nullptr;
    switch (member.key().size()) {
      case 2:
        text = is("id") ? &head.id : nullptr;
        break;
      case 4:
        text = is("type") ? &head.type : nullptr;
        id = is("from") ? &head.sender : nullptr;
        break;
      case 9:
        text = is("timestamp") ? &head.timestamp : is("channelId") ? &head.channel : nullptr;
        id = is("recipient") ? &head.bot : nullptr;
        break;
      case 12:
        text = is("deliveryMode") ? &head.delivery_mode : nullptr;
        id = is("conversation") ? &head.conversation : nullptr;
        break;
      default:
        continue;
    }
    if (text != nullptr) {
      *text = text_of(member.value());
    } else if (id != nullptr) {
      *id = id_in(member.value());
    }
  }
  return head;
}

std::optional<SameActivity> same_activity(const Activity& activity, const ActivityHead& head) noexcept {
  SameActivity same;
  same.sender = head.sender;
  same.bot = head.bot;
  if (const auto exchange = exchanged(activity, head); !exchange.empty()) {
    same.kind = token_exchange;
    same.id = exchange;
    same.is_token_exchange = true;
    return same;
  }
  if (head.id.empty()) {
    return std::nullopt;
  }
  same.kind = head.type;
  same.id = head.id;
  same.moment = moment_of(head.timestamp);
  if (!same.moment) {
    WideHash content;
    add_content(content, activity.json());
    same.content_high = content.high();
    same.content_low = content.low();
  }
  return same;
}

std::optional<SameActivity> same_activity(const Activity& activity) noexcept {
  return same_activity(activity, head_of(activity));
}

void SameActivity::add_to(KeyedHasher& hasher) const noexcept {
  hasher.add({kind, id, sender, bot});
  if (moment) {
    hasher.add(static_cast<std::uint64_t>(*moment));
  } else if (has_content()) {
    hasher.add(content_high);
    hasher.add(content_low);
  }
}

void SameActivity::append_to(std::string& key) const {
  append_key_part(key, id);
  key += '/';
  append_key_part(key, kind);
  for (const auto account : {bot, sender}) {
    key += '/';
    append_key_part(key, account);
  }
  if (is_token_exchange) {
    return;
  }
  key += '/';
  if (moment) {
    append_key_part(key, text_of_moment(*moment));
  } else {
    key += '~';
    std::array<std::uint8_t, 2 * sizeof(content_high)> bytes{};
    std::memcpy(bytes.data(), &content_high, sizeof(content_high));
    std::memcpy(bytes.data() + sizeof(content_high), &content_low, sizeof(content_low));
    append_hex(key, bytes.data(), bytes.size());
  }
}

}  // namespace tern::detail
