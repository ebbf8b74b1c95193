#include "app/proactive_json.hpp"

#include "app/config_values.hpp"

#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>

#include <array>
#include <utility>

namespace tern::app {

namespace {

std::string_view name_of(PendingSend::Kind kind) noexcept {
  return kind == PendingSend::Kind::activity       ? "activity"
         : kind == PendingSend::Kind::continuation ? "continuation"
                                                   : "broadcast";
}

// Writes a recurrence like `every` in a request, because the stored form of a recurrence is private.
json::object recurrence_to_json(const Recurrence& every) {
  constexpr std::array names{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  const auto kept = every.to_json();
  json::object fields;
  if (const auto* seconds = kept.if_contains("seconds")) {
    fields["interval"] = write_duration(std::chrono::seconds(seconds->as_int64()));
    return fields;
  }
  const auto& at = kept.at("at");
  if (const auto* day = kept.if_contains("day")) {
    fields["monthly"] = *day;
    fields["at"] = at;
    return fields;
  }
  const Recurrence::Days days(static_cast<unsigned long>(kept.at("days").as_int64()));
  if (days.all()) {
    fields["daily"] = at;
    return fields;
  }
  json::array weekly;
  for (std::size_t day = 0; day < names.size(); ++day) {
    if (days.test(day)) {
      weekly.emplace_back(names[day]);
    }
  }
  fields["weekly"] = std::move(weekly);
  fields["at"] = at;
  return fields;
}

void add_content(const PendingSend& send, json::object& fields) {
  if (send.kind == PendingSend::Kind::broadcast) {  // a broadcast's step, which no conversation gets
    return;
  }
  if (send.activity) {
    fields["activity"] = send.activity->json();
  }
  if (send.kind == PendingSend::Kind::continuation) {
    fields["continuation"] = send.continuation;
    fields["value"] = send.value;
  }
  fields["reference"] = send.reference.json();
}

void add_options(const PendingSend& send, json::object& fields) {
  fields["orderKey"] = send.order_key;
  if (!send.key.empty()) {
    fields["key"] = send.key;
    if (send.key_scope == KeyScope::conversation) {
      fields["keyScope"] = "conversation";
    }
  }
  if (send.cancel_on_reply) {
    fields["cancelOnReply"] = true;
  }
  if (send.at_most_once) {
    fields["atMostOnce"] = true;
  }
  if (!send.scheduled_by.empty()) {
    fields["scheduledBy"] = send.scheduled_by;
  }
  if (send.every) {
    fields["every"] = recurrence_to_json(*send.every);
  }
  if (send.quiet_hours) {
    fields["quietHours"] = {{"from", send.quiet_hours->from().to_string()}, {"to", send.quiet_hours->to().to_string()}};
  }
  if (send.every || send.quiet_hours) {
    fields["timeZone"] = send.time_zone;
  }
  if (send.strict) {
    fields["strict"] = true;
  }
}

}  // namespace

http::HttpResponse json_response(unsigned status, const json::value& body) {
  return http::HttpResponse(status, json::serialize(body), json_type);
}

json::value text_of_time(WallTime time) {
  return json::value(Timestamp::utc(time).text());
}

json::object to_json(const PendingSend& send) {
  json::object fields;
  fields["handle"] = send.handle.to_string();
  fields["kind"] = name_of(send.kind);
  fields["due"] = text_of_time(send.due);
  if (send.not_before) {
    fields["notBefore"] = text_of_time(*send.not_before);
  }
  if (send.expires) {
    fields["expires"] = text_of_time(*send.expires);
  }
  fields["attempts"] = send.attempts;
  add_content(send, fields);
  if (!send.broadcast.empty()) {
    fields["broadcast"] = send.broadcast;
  }
  add_options(send, fields);
  return fields;
}

json::object to_json(const DeadLetter& letter) {
  auto fields = to_json(static_cast<const PendingSend&>(letter));
  fields["died"] = text_of_time(letter.died);
  fields["reason"] = letter.reason;
  return fields;
}

json::object to_json(const SendCounts& counts) {
  json::object fields;
  fields["pending"] = counts.pending;
  fields["awaitingReply"] = counts.awaiting_reply;
  fields["sent"] = counts.sent;
  fields["cancelled"] = counts.cancelled;
  fields["expired"] = counts.expired;
  fields["dead"] = counts.dead;
  fields["keptDead"] = counts.kept_dead;
  if (counts.oldest) {
    fields["oldestDue"] = text_of_time(*counts.oldest);
  }
  return fields;
}

json::object page_of(json::array items, const std::string& next) {
  json::object page;
  page["items"] = std::move(items);
  if (!next.empty()) {
    page["next"] = next;
  }
  return page;
}

}  // namespace tern::app
