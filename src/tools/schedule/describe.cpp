#include "tools/schedule/describe.hpp"

#include "app/proactive_json.hpp"

#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>

#include <array>
#include <chrono>
#include <utility>

namespace tern::tools {

namespace {

using std::chrono::seconds;

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

json::object without_texts(json::object shown, Texts texts) {
  if (texts == Texts::hidden) {
    shown.erase("activity");
    shown.erase("value");
  }
  return shown;
}

void add_reference(Fields& fields, const ConversationReference& reference) {
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

void add_times(Fields& fields, const PendingSend& send, WallTime now) {
  fields.emplace_back("due", told(send.due, now));
  if (send.not_before) {
    fields.emplace_back("put off until", told(*send.not_before, now));
  }
  if (send.expires) {
    fields.emplace_back("expires", told(*send.expires, now));
  }
  if (const auto every = recurrence_text(send)) {
    fields.emplace_back("every", *every);
  }
  if (send.quiet_hours) {
    fields.emplace_back("quiet hours", send.quiet_hours->from().to_string() + " to " +
                                           send.quiet_hours->to().to_string() + " (" + send.time_zone + ")");
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

std::string kind_text(const PendingSend& send) {
  auto text = send.kind == PendingSend::Kind::activity    ? std::string("activity")
              : send.kind == PendingSend::Kind::broadcast ? std::string("broadcast")
                                                          : "continuation " + send.continuation;
  return recurrence_text(send) ? text + " (recurring)" : text;
}

std::string message_text(const PendingSend& send) {
  if (send.activity) {
    return std::string(send.activity->text());
  }
  return send.value.is_null() ? std::string() : json::serialize(send.value);
}

std::optional<std::string> recurrence_text(const PendingSend& send) {
  if (!send.every) {
    return std::nullopt;
  }
  const auto fields = send.every->to_json();
  if (const auto* interval = fields.if_contains("seconds")) {
    return "every " + duration_text(seconds(interval->as_int64()));
  }
  const auto at = " at " + std::string(fields.at("at").as_string()) + " (" + send.time_zone + ")";
  if (const auto* days = fields.if_contains("days")) {
    return "every " + days_text(days->as_int64()) + at;
  }
  return "every month on day " + std::to_string(fields.at("day").as_int64()) + at;
}

json::object describe(const PendingSend& send, Texts texts) {
  return without_texts(app::to_json(send), texts);
}

json::object describe(const DeadLetter& letter, Texts texts) {
  return without_texts(app::to_json(letter), texts);
}

Fields fields_of(const PendingSend& send, Texts texts, WallTime now) {
  Fields fields;
  fields.emplace_back("handle", send.handle.to_string());
  add_times(fields, send, now);
  fields.emplace_back("order key", send.order_key);
  add_reference(fields, send.reference);
  fields.emplace_back("kind", kind_text(send));
  if (!send.broadcast.empty()) {
    fields.emplace_back("broadcast", send.broadcast);
  }
  fields.emplace_back("attempts", std::to_string(send.attempts));
  fields.emplace_back("strict", yes_or_no(send.strict));
  fields.emplace_back("at most once", yes_or_no(send.at_most_once));
  fields.emplace_back("cancel on reply", yes_or_no(send.cancel_on_reply));
  if (!send.key.empty()) {
    fields.emplace_back("key", send.key);
  }
  if (!send.scheduled_by.empty()) {
    fields.emplace_back("scheduled by", send.scheduled_by);
  }
  if (texts == Texts::shown) {
    fields.emplace_back("text", message_text(send));
  }
  return fields;
}

Fields fields_of(const DeadLetter& letter, Texts texts, WallTime now) {
  auto fields = fields_of(static_cast<const PendingSend&>(letter), texts, now);
  fields.emplace_back("died", told(letter.died, now));
  fields.emplace_back("reason", letter.reason);
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
