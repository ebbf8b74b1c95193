#include "app/proactive_call.hpp"

#include "app/config_values.hpp"
#include "app/nearest_name.hpp"
#include "turn/make_send.hpp"
#include "turn/time_zone.hpp"
#include "turn/trust.hpp"

#include <tern/schema/parse.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>
#include <vector>

namespace tern::app {

namespace {

using Members = CallMembers;

[[noreturn]] void refuse_call(const std::string& message) {
  refuse_argument(message);
}

// For `Timestamp`, a time without an offset is in UTC. Here it is refused, because the sender may mean `timeZone`.
bool has_offset(const std::string& text) {
  constexpr std::size_t numeric = 6;  // +01:00
  const char last = text.empty() ? ' ' : text.back();
  const char sign = text.size() > numeric ? text[text.size() - numeric] : ' ';
  return last == 'Z' || last == 'z' || sign == '+' || sign == '-';
}

// The length is bounded before it is added to a time: a sum that the clock cannot hold would wrap into the past, and
// the send would be due at once.
std::chrono::milliseconds length_of(const json::value& value, const std::string& name) {
  const auto length = read_duration(value);
  if (!length) {
    refuse_call(name + " must be a number of milliseconds, or a text such as 30s, 5m or 2h.");
  }
  if (*length > detail::send_horizon) {
    refuse_call(name + " must be at most five years.");
  }
  return *length;
}

TimeOfDay time_of_day(const json::value& value, const std::string& name) {
  const auto time = value.is_string() ? TimeOfDay::parse(value.as_string()) : std::nullopt;
  if (!time) {
    refuse_call(name + " must be a time of day such as 09:00.");
  }
  return *time;
}

// Channels and SDKs may add members of their own, so an unknown name is refused only where a known one is absent that
// it may stand for.
void require_names_of_reference(const json::object& reference) {
  constexpr std::array<std::string_view, 7> known{"channelId", "serviceUrl", "conversation", "user",
                                                  "bot",       "activityId", "locale"};
  for (const auto& member : reference) {
    const std::string_view name = member.key();
    const auto near = std::find(known.begin(), known.end(), name) == known.end() ? nearest_name(name, known) : "";
    if (!near.empty() && !reference.contains(near)) {
      refuse_call("reference." + unknown_name(name, {known.begin(), known.end()}));
    }
  }
  const auto* channel = reference.if_contains("channelId");
  if (channel == nullptr || !channel->is_string() || channel->as_string().empty()) {
    throw BadCall("MissingProperty", "reference.channelId is missing: the id of the channel, such as msteams.");
  }
}

Recipient recipient_of(Members& members) {
  Recipient to;
  if (auto* const reference = members.object("reference")) {
    reference->erase(tern::detail::trust_member);  // whoever has the secret does not speak for others
    require_names_of_reference(*reference);
    to.reference = ConversationReference(std::move(*reference));
  }
  to.channel_id = members.text("channelId").value_or("");
  to.user_id = members.text("userId").value_or("");
  to.conversation_id = members.text("conversationId").value_or("");
  const bool by_user = !to.channel_id.empty() && !to.user_id.empty();
  if (to.reference && !(to.channel_id.empty() && to.user_id.empty() && to.conversation_id.empty())) {
    refuse_call("Name the recipient by reference, or by channelId and userId, but not by both.");
  }
  if (!to.reference && !by_user) {
    throw BadCall("MissingProperty",
                  "The recipient is missing. Give reference, a conversation reference that the bot kept, or channelId "
                  "and userId of a "
                  "user who has written to the bot (and conversationId for one of several conversations).");
  }
  return to;
}

Recurrence::Days days_of(const json::value& value) {
  constexpr std::array names{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  Recurrence::Days days;
  const auto add = [&](const json::value& day) {
    const auto found = day.is_string() ? std::find(names.begin(), names.end(), day.as_string()) : names.end();
    if (found == names.end()) {
      refuse_call("every.weekly must be a day or a list of days: monday to sunday.");
    }
    days.set(static_cast<std::size_t>(found - names.begin()));
  };
  if (value.is_array()) {
    std::for_each(value.as_array().begin(), value.as_array().end(), add);
  } else {
    add(value);
  }
  return days;
}

// Such as {"interval":"2h"}, {"daily":"09:00"}, {"weekly":["monday"],"at":"09:00"} or {"monthly":1,"at":"09:00"}.
Recurrence recurrence_of(json::object& fields) {
  Members members(fields, {"interval", "daily", "weekly", "monthly", "at"}, "every.");
  auto* const interval = members.find("interval");
  auto* const daily = members.find("daily");
  auto* const weekly = members.find("weekly");
  auto* const monthly = members.find("monthly");
  auto* const at = members.find("at");
  const auto kinds = std::array{interval, daily, weekly, monthly};
  if (std::count(kinds.begin(), kinds.end(), nullptr) != 3) {
    refuse_call("every must have one of interval, daily, weekly and monthly.");
  }
  if ((weekly != nullptr || monthly != nullptr) != (at != nullptr)) {
    refuse_call("weekly and monthly need every.at, a time of day such as 09:00; interval and daily have none.");
  }
  if (interval != nullptr) {
    return Recurrence::every(std::chrono::floor<std::chrono::seconds>(length_of(*interval, "every.interval")));
  }
  if (daily != nullptr) {
    return Recurrence::daily(time_of_day(*daily, "every.daily"));
  }
  const auto when = time_of_day(*at, "every.at");
  if (weekly != nullptr) {
    return Recurrence::weekly(days_of(*weekly), when);
  }
  const auto day = read_number(*monthly);
  if (!day || *day < 1 || *day > 31) {
    refuse_call("every.monthly must be a day of the month, 1 to 31.");
  }
  return Recurrence::monthly(static_cast<int>(*day), when);
}

QuietHours quiet_hours_of(json::object& fields) {
  Members members(fields, {"from", "to"}, "quietHours.");
  auto* const from = members.find("from");
  auto* const to = members.find("to");
  if (from == nullptr || to == nullptr) {
    refuse_call("quietHours must have from and to, times of day such as 22:00.");
  }
  const QuietHours hours{time_of_day(*from, "quietHours.from"), time_of_day(*to, "quietHours.to")};
  if (hours.from() == hours.to()) {
    refuse_call("quietHours begins and ends at " + hours.from().to_string() +
                ", so no hour would be quiet. Leave it out.");
  }
  return hours;
}

void read_key(Members& members, SendOptions& options) {
  auto key = members.text("key");
  const auto scope = members.text("keyScope");
  if (scope && scope != "bot" && scope != "conversation") {
    refuse_call("keyScope must be bot or conversation, not \"" + *scope + "\".");
  }
  if (scope && !key) {
    refuse_call("keyScope needs a key.");
  }
  if (key) {
    options.key(std::move(*key), scope == "conversation" ? KeyScope::conversation : KeyScope::bot);
  }
}

SendOptions options_of(Members& members, CallKind kind) {
  SendOptions options;
  read_key(members, options);
  if (auto key = members.text("orderKey")) {
    options.order_key(std::move(*key));
  }
  if (const auto expires = members.text("expires")) {
    options.expires(time_of(*expires, "expires"));
  }
  options.at_most_once(members.flag("atMostOnce"));
  options.strict(members.flag("strict"));
  options.cancel_on_reply(members.flag("cancelOnReply"));
  if (auto zone = members.text("timeZone")) {
    if (!is_time_zone(*zone)) {
      refuse_call("timeZone: " + detail::unknown_time_zone(*zone));
    }
    if (!members.has("every") && !members.has("quietHours")) {
      refuse_call("timeZone needs every or quietHours. It does not change `at`, which has an offset of its own.");
    }
    options.time_zone(std::move(*zone));
  }
  if (auto* const quiet = members.object("quietHours")) {
    options.quiet_hours(quiet_hours_of(*quiet));
  }
  if (kind == CallKind::schedule) {
    if (auto* const every = members.object("every")) {
      options.every(recurrence_of(*every));
    }
  }
  return options;
}

std::optional<WallTime> due_of(Members& members, WallTime now) {
  const auto at = members.text("at");
  auto* const after = members.find("after");
  if (at && after != nullptr) {
    refuse_call("Give at or after, not both.");
  }
  if (at) {
    return time_of(*at, "at");
  }
  if (after == nullptr) {
    return std::nullopt;
  }
  return now + length_of(*after, "after");
}

void read_what(Members& members, CallKind kind, ProactiveCall& call) {
  if (kind == CallKind::send || kind == CallKind::schedule) {
    if (auto* const activity = members.object("activity")) {
      call.activity = Activity(std::move(*activity));
      if (call.activity->type().empty()) {
        throw BadCall("MissingProperty", R"(activity.type is missing; a text is {"type":"message","text":"..."}.)");
      }
    }
  }
  if (kind == CallKind::schedule) {
    call.continuation = members.text("continuation");
  }
  if (kind == CallKind::schedule || kind == CallKind::continuing) {
    if (auto* const value = members.find("value")) {
      call.value = std::move(*value);
    }
  }
  if (kind == CallKind::send && !call.activity) {
    throw BadCall("MissingProperty", "activity is missing.");
  }
  if (kind == CallKind::schedule && call.activity.has_value() == call.continuation.has_value()) {
    throw BadCall(call.activity ? "BadArgument" : "MissingProperty",
                  "Give either activity, or continuation with a value.");
  }
}

std::vector<std::string_view> members_of(CallKind kind) {
  std::vector<std::string_view> names;
  const auto add = [&](std::initializer_list<std::string_view> more) { names.insert(names.end(), more); };
  if (kind != CallKind::moving) {
    add({"reference", "channelId", "userId", "conversationId"});
  }
  if (kind == CallKind::send || kind == CallKind::schedule) {
    add({"activity"});
  }
  if (kind == CallKind::schedule) {
    add({"continuation", "every"});
  }
  if (kind == CallKind::schedule || kind == CallKind::moving) {
    add({"at", "after"});
  }
  if (kind == CallKind::schedule || kind == CallKind::continuing) {
    add({"value", "key", "keyScope", "orderKey", "expires", "atMostOnce", "strict", "cancelOnReply", "timeZone",
         "quietHours"});
  }
  return names;
}

}  // namespace

WallTime time_of(const std::string& text, std::string_view name) {
  const auto time = Timestamp::parse(text);
  if (!time || !has_offset(text)) {
    refuse_call(std::string(name) + " must be a time such as 2026-12-24T18:00:00+01:00 (RFC 3339).");
  }
  return time->time();
}

ProactiveCall parse_proactive_call(std::string_view body, CallKind kind, WallTime now) {
  auto parsed = parse_json(body);
  if (!parsed) {
    throw BadCall(parsed.error().code, parsed.error().message);
  }
  if (!parsed->is_object()) {
    throw BadCall("BadSyntax", "The body must be a JSON object.");
  }
  if (kind == CallKind::continuing && parsed->as_object().contains("every")) {
    refuse_call(
        "A continuation that runs now takes no every. Use POST /proactive/schedule with continuation and every.");
  }
  ProactiveCall call;
  Members members(parsed->as_object(), members_of(kind));
  if (kind != CallKind::moving) {
    call.to = recipient_of(members);
  }
  read_what(members, kind, call);
  if (kind == CallKind::schedule || kind == CallKind::continuing) {
    call.options = options_of(members, kind);
  }
  std::optional<WallTime> due;
  if (kind == CallKind::schedule || kind == CallKind::moving) {
    due = due_of(members, now);
  }
  if (!due && call.options.recurrence()) {
    due = call.options.recurrence()->next(now, call.options.zone());
  }
  if (!due && kind != CallKind::send && kind != CallKind::continuing) {
    throw BadCall("MissingProperty", kind == CallKind::moving ? "The time is missing. Give at or after."
                                                              : "The time is missing. Give at, after or every.");
  }
  call.due = due.value_or(now);
  return call;
}

}  // namespace tern::app
