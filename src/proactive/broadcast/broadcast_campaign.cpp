#include "proactive/broadcast/broadcast_campaign.hpp"

#include <tern/schema/parse.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::array state_names{"running", "paused", "cancelled", "done"};
constexpr std::array outcome_names{"sent", "dead", "expired"};

std::optional<WallTime> time_at(const json::object& object, std::string_view name) {
  const auto read = Timestamp::parse(text_at(object, name));
  return read ? std::optional(read->time()) : std::nullopt;
}

template <class Names>
std::optional<std::size_t> place_of(const Names& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - names.begin()));
}

}  // namespace

std::optional<json::object> parse_object(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) {
    return std::nullopt;
  }
  return std::move(parsed->as_object());
}

std::string text_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::uint64_t number_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? static_cast<std::uint64_t>(value->as_int64()) : 0;
}

Campaign Campaign::parse(std::string id, const StoreItem& item) {
  const auto fields = parse_object(item.document).value_or(json::object());
  Campaign read;
  read.id = std::move(id);
  // The earlier name of it, which only lists had.
  read.run = fields.contains("run") ? text_at(fields, "run") : text_at(fields, "list");
  read.etag = item.etag;
  read.state = static_cast<BroadcastState>(place_of(state_names, text_at(fields, "state")).value_or(0));
  if (const auto* activity = fields.if_contains("activity"); activity != nullptr && activity->is_object()) {
    read.activity = activity->as_object();
  }
  read.channel = text_at(fields, "channel");
  read.tenant = fields.contains("tenant") ? std::optional(text_at(fields, "tenant")) : std::nullopt;
  read.rate = std::clamp<std::uint64_t>(number_at(fields, "rate"), 1, most_broadcast_rate);
  read.cursor = text_at(fields, "cursor");
  read.step = number_at(fields, "step");
  read.scheduled = number_at(fields, "scheduled");
  read.skipped = number_at(fields, "skipped");
  read.taken_until = time_at(fields, "takenUntil").value_or(WallTime());
  read.begun = text_at(fields, "begun");
  read.all_taken = text_at(fields, "allTaken");
  return read;
}

std::string Campaign::document() const {
  json::object fields{{"state", state_names[static_cast<std::size_t>(state)]},
                      {"run", run},
                      {"activity", activity},
                      {"channel", channel},
                      {"rate", static_cast<std::int64_t>(rate)},
                      {"cursor", cursor},
                      {"step", static_cast<std::int64_t>(step)},
                      {"scheduled", static_cast<std::int64_t>(scheduled)},
                      {"skipped", static_cast<std::int64_t>(skipped)},
                      {"takenUntil", Timestamp::utc(taken_until).text()},
                      {"begun", begun},
                      {"allTaken", all_taken}};
  if (tenant) {
    fields["tenant"] = *tenant;
  }
  return json::serialize(fields);
}

// No id has a slash.
Campaign::Named Campaign::of_mark(const std::string& mark) {
  const auto slash = mark.find('/');
  return {mark.substr(0, slash), slash == std::string::npos ? std::string() : mark.substr(slash + 1)};
}

RecipientRecord RecipientRecord::parse(const StoreItem& item) {
  const auto fields = parse_object(item.document).value_or(json::object());
  RecipientRecord read;
  if (const auto kind = place_of(outcome_names, text_at(fields, "outcome"))) {
    read.kind = static_cast<RecipientOutcome::Kind>(*kind);
  }
  read.user_id = text_at(fields, "user");
  read.conversation_id = text_at(fields, "conversation");
  read.send = text_at(fields, "send");
  read.reason = text_at(fields, "reason");
  read.at = time_at(fields, "at");
  return read;
}

std::string RecipientRecord::document() const {
  json::object fields{{"outcome", kind ? outcome_names[static_cast<std::size_t>(*kind)] : "pending"},
                      {"user", user_id},
                      {"conversation", conversation_id}};
  if (!send.empty()) {
    fields["send"] = send;
  }
  if (kind) {
    fields["reason"] = reason;
  }
  if (at) {
    fields["at"] = Timestamp::utc(*at).text();
  }
  return json::serialize(fields);
}

}  // namespace tern::proactive
