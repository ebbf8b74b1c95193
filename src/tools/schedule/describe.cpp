#include "tools/schedule/describe.hpp"

#include <tern/schema/conversation_reference.hpp>
#include <tern/schema/parse.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>

#include <array>
#include <chrono>
#include <utility>

namespace tern::tools {

namespace {

using std::chrono::seconds;

// What is damaged is shown as if it were not there: this looks at a store, it does not judge it.
json::object object_of(const std::string& text) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) {
    return {};
  }
  return std::move(parsed->as_object());
}

std::string string_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string days_text(std::int64_t days) {
  constexpr std::array names{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  constexpr std::int64_t all = 127;
  if (days == all) {
    return "day";
  }
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if ((days >> i & 1) != 0) {
      text += (text.empty() ? "" : ", ") + std::string(names[i]);
    }
  }
  return text;
}

std::string amount(std::int64_t count, const char* unit) {
  return std::to_string(count) + " " + unit + (count == 1 || std::string_view(unit) != "day" ? "" : "s");
}

std::string duration_text(seconds duration) {
  constexpr std::int64_t minute = 60;
  constexpr std::int64_t hour = 60 * minute;
  constexpr std::int64_t day = 24 * hour;
  const auto count = duration.count();
  if (count < minute) {
    return amount(count, "s");
  }
  if (count < hour) {
    return amount(count / minute, "min");
  }
  return count < 2 * day ? amount(count / hour, "h") : amount(count / day, "day");
}

void put_reference(json::object& shown, const std::string& text) {
  const ConversationReference reference(object_of(text));
  const auto put = [&shown](std::string_view name, std::optional<std::string_view> value) {
    if (value) {
      shown[name] = *value;
    }
  };
  put("channel", reference.channel_id());
  put("service_url", reference.service_url());
  put("conversation_id", reference.conversation_id());
  put("user_id", reference.user_id());
}

void put_times(json::object& shown, const ScheduledSend& send) {
  shown["due"] = Timestamp::utc(send.handle.due).text();
  if (send.not_before > send.handle.due) {
    shown["not_before"] = Timestamp::utc(send.not_before).text();
  }
  if (send.expires) {
    shown["expires"] = Timestamp::utc(*send.expires).text();
  }
  if (const auto every = recurrence_text(send)) {
    shown["every"] = *every;
  }
}

}  // namespace

std::string utc_text(WallTime when) {
  constexpr std::size_t to_seconds = 19;
  auto text = Timestamp::utc(when).text().substr(0, to_seconds);
  text.replace(text.find('T'), 1, 1, ' ');
  return text;
}

std::string relative_text(WallTime when, WallTime now) {
  const bool ahead = when > now;
  const auto away = std::chrono::duration_cast<seconds>(ahead ? when - now : now - when);
  if (away < seconds(1)) {
    return "now";
  }
  return ahead ? "in " + duration_text(away) : duration_text(away) + " ago";
}

std::string kind_text(const ScheduledSend& send) {
  auto text = send.kind == SendKind::activity ? std::string("activity")
                                              : "continuation " + string_in(object_of(send.payload), "name");
  return recurrence_text(send) ? text + " (recurring)" : text;
}

std::string message_text(const ScheduledSend& send) {
  const auto payload = object_of(send.payload);
  if (send.kind == SendKind::activity) {
    return string_in(payload, "text");
  }
  const auto* value = payload.if_contains("value");
  return value != nullptr && !value->is_null() ? json::serialize(*value) : std::string();
}

std::optional<std::string> recurrence_text(const ScheduledSend& send) {
  const auto annotations = object_of(send.annotations);
  const auto* every = annotations.if_contains("every");
  if (every == nullptr || !every->is_object()) {
    return std::nullopt;
  }
  const auto& fields = every->as_object();
  const auto integer = [&fields](std::string_view name) {
    const auto* value = fields.if_contains(name);
    return value != nullptr && value->is_int64() ? value->as_int64() : 0;
  };
  if (const auto interval = integer("seconds"); interval > 0) {
    return "every " + duration_text(seconds(interval));
  }
  const auto zone = string_in(annotations, "zone");
  const auto at = " at " + string_in(fields, "at") + " (" + (zone.empty() ? "UTC" : zone) + ")";
  if (const auto days = integer("days"); days > 0) {
    return "every " + days_text(days) + at;
  }
  return "every month on day " + std::to_string(integer("day")) + at;
}

json::object describe(const ScheduledSend& send, Texts texts) {
  json::object shown;
  shown["handle"] = send.handle.to_string();
  put_times(shown, send);
  shown["conversation"] = send.order_key;
  put_reference(shown, send.reference);
  shown["kind"] = send.kind == SendKind::activity ? "activity" : "continuation";
  if (send.kind == SendKind::continuation) {
    shown["name"] = string_in(object_of(send.payload), "name");
  }
  shown["attempts"] = send.attempt;
  shown["at_most_once"] = send.at_most_once;
  shown["cancel_on_reply"] = !send.cancel_on_reply.empty();
  if (!send.idempotency_key.empty()) {
    shown["key"] = send.idempotency_key;
  }
  if (const auto trace = string_in(object_of(send.annotations), "trace"); !trace.empty()) {
    shown["scheduled_by"] = trace;
  }
  if (texts == Texts::shown) {
    shown["text"] = message_text(send);
  }
  return shown;
}

json::object describe(const DeadSend& dead, Texts texts) {
  auto shown = describe(dead.send, texts);
  shown["died"] = Timestamp::utc(dead.died).text();
  shown["reason"] = dead.reason;
  return shown;
}

}  // namespace tern::tools
