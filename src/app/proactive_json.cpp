#include "app/proactive_json.hpp"

#include "app/config_values.hpp"
#include "proactive/broadcast/broadcaster.hpp"
#include "turn/annotations.hpp"
#include "turn/make_send.hpp"

#include <tern/schema/parse.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>

#include <array>
#include <utility>

namespace tern::app {

namespace {

json::value parsed_or_text(const std::string& text) {
  auto parsed = parse_json(text);
  return parsed ? std::move(*parsed) : json::value(text);
}

// As `every` is written in a request; what a recurrence is kept as is not for others to read.
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

void add_annotations(const ScheduledSend& send, json::object& fields) {
  if (send.annotations.empty()) {
    return;
  }
  const auto kept = detail::Annotations::parse(send.annotations);
  if (const auto trace = detail::Annotations::trace_of(send.annotations); !trace.empty()) {
    fields["scheduledBy"] = trace;
  }
  if (kept.every) {
    fields["every"] = recurrence_to_json(*kept.every);
  }
  if (kept.quiet) {
    fields["quietHours"] = {{"from", kept.quiet->from().to_string()}, {"to", kept.quiet->to().to_string()}};
  }
  if (kept.every || kept.quiet) {
    fields["timeZone"] = kept.time_zone;
  }
  if (kept.strict) {
    fields["strict"] = true;
  }
}

void add_what(const ScheduledSend& send, json::object& fields) {
  auto payload = parsed_or_text(send.payload);
  if (send.kind == SendKind::activity) {
    fields["activity"] = std::move(payload);
  } else if (payload.is_object()) {
    fields["continuation"] = payload.as_object()["name"];
    fields["value"] = payload.as_object()["value"];
  }
  fields["reference"] = parsed_or_text(send.reference);
}

}  // namespace

http::HttpResponse json_response(unsigned status, const json::value& body) {
  return http::HttpResponse(status, json::serialize(body), json_type);
}

json::value text_of_time(WallTime time) {
  return json::value(Timestamp::utc(time).text());
}

json::object to_json(const ScheduledSend& send) {
  const bool is_step = proactive::Broadcaster::is_step(send);
  json::object fields;
  fields["handle"] = send.handle.to_string();
  fields["kind"] = is_step ? "broadcast" : send.kind == SendKind::activity ? "activity" : "continuation";
  fields["due"] = text_of_time(send.handle.due);
  if (send.not_before > send.handle.due) {
    fields["notBefore"] = text_of_time(send.not_before);
  }
  if (send.expires) {
    fields["expires"] = text_of_time(*send.expires);
  }
  fields["attempts"] = send.attempt;
  if (!is_step) {  // which goes to nobody
    add_what(send, fields);
  }
  if (auto id = proactive::Broadcaster::id_of(send); !id.empty()) {
    fields["broadcast"] = id;
  }
  fields["orderKey"] = send.order_key;
  if (!send.idempotency_key.empty()) {
    const auto given = detail::given_key(send.idempotency_key);
    fields["key"] = given.key;
    if (given.scope == KeyScope::conversation) {
      fields["keyScope"] = "conversation";
    }
  }
  if (!send.cancel_on_reply.empty()) {
    fields["cancelOnReply"] = true;
  }
  if (send.at_most_once) {
    fields["atMostOnce"] = true;
  }
  add_annotations(send, fields);
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
