#include "tools/schedule/describe.hpp"

#include "app/proactive_json.hpp"
#include "turn/annotations.hpp"

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

std::string told(WallTime when, WallTime now) {
  return utc_text(when) + " UTC, " + relative_text(when, now);
}

std::string yes_or_no(bool value) {
  return value ? "yes" : "no";
}

void add_reference(Fields& fields, const std::string& text) {
  const ConversationReference reference(object_of(text));
  const auto add = [&fields](const char* name, std::optional<std::string_view> value) {
    if (value) {
      fields.emplace_back(name, *value);
    }
  };
  add("channel", reference.channel_id());
  add("service url", reference.service_url());
  add("conversation", reference.conversation_id());
  add("user", reference.user_id());
}

void add_times(Fields& fields, const ScheduledSend& send, WallTime now) {
  fields.emplace_back("due", told(send.handle.due, now));
  if (send.not_before > send.handle.due) {
    fields.emplace_back("put off until", told(send.not_before, now));
  }
  if (send.expires) {
    fields.emplace_back("expires", told(*send.expires, now));
  }
  if (const auto every = recurrence_text(send)) {
    fields.emplace_back("every", *every);
  }
  const auto annotations = detail::Annotations::parse(send.annotations);
  if (annotations.quiet) {
    fields.emplace_back("quiet hours", annotations.quiet->from().to_string() + " to " +
                                           annotations.quiet->to().to_string() + " (" + annotations.time_zone + ")");
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
  auto shown = app::to_json(send);
  if (texts == Texts::hidden) {
    shown.erase("activity");
    shown.erase("value");
  }
  return shown;
}

json::object describe(const DeadSend& dead, Texts texts) {
  auto shown = describe(dead.send, texts);
  shown["died"] = app::text_of_time(dead.died);
  shown["reason"] = dead.reason;
  return shown;
}

Fields fields_of(const ScheduledSend& send, Texts texts, WallTime now) {
  Fields fields;
  fields.emplace_back("handle", send.handle.to_string());
  add_times(fields, send, now);
  fields.emplace_back("order key", send.order_key);
  add_reference(fields, send.reference);
  fields.emplace_back("kind", kind_text(send));
  fields.emplace_back("attempts", std::to_string(send.attempt));
  fields.emplace_back("strict", yes_or_no(detail::Annotations::is_strict(send.annotations)));
  fields.emplace_back("at most once", yes_or_no(send.at_most_once));
  fields.emplace_back("cancel on reply", yes_or_no(!send.cancel_on_reply.empty()));
  if (!send.idempotency_key.empty()) {
    fields.emplace_back("key", send.idempotency_key);
  }
  if (auto trace = detail::Annotations::trace_of(send.annotations); !trace.empty()) {
    fields.emplace_back("scheduled by", std::move(trace));
  }
  if (texts == Texts::shown) {
    fields.emplace_back("text", message_text(send));
  }
  return fields;
}

Fields fields_of(const DeadSend& dead, Texts texts, WallTime now) {
  auto fields = fields_of(dead.send, texts, now);
  fields.emplace_back("died", told(dead.died, now));
  fields.emplace_back("reason", dead.reason);
  return fields;
}

Fields fields_of(const SendCounts& counts, WallTime now) {
  Fields fields{{"pending", std::to_string(counts.pending)},
                {"of these, cancelled by a reply", std::to_string(counts.awaiting_reply)}};
  if (counts.oldest) {
    fields.emplace_back("first due", told(*counts.oldest, now));
  }
  fields.emplace_back("sent", std::to_string(counts.sent));
  fields.emplace_back("cancelled", std::to_string(counts.cancelled));
  fields.emplace_back("expired", std::to_string(counts.expired));
  fields.emplace_back("died", std::to_string(counts.dead));
  fields.emplace_back("dead and kept", std::to_string(counts.kept_dead));
  return fields;
}

}  // namespace tern::tools
