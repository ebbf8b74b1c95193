#include "turn/annotations.hpp"

#include "turn/time_zone.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace tern::detail {

namespace {

std::optional<TimeOfDay> time_at(const json::array& times, std::size_t index) {
  return times[index].is_string() ? TimeOfDay::parse(times[index].as_string()) : std::nullopt;
}

std::string text_at(const json::object& fields, std::string_view name) {
  const auto* value = fields.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

Annotations Annotations::of(const SendOptions& options) {
  Annotations made;
  made.time_zone = options.zone();
  made.quiet = options.quiet();
  made.every = options.recurrence();
  made.strict = options.is_strict();
  (void)TimeZone::require(made.time_zone);
  return made;
}

Annotations Annotations::parse(const std::string& text) {
  Annotations read;
  const auto parsed = text.empty() ? std::nullopt : std::optional(parse_json(text));
  if (!parsed || !*parsed || !(*parsed)->is_object()) {
    return read;
  }
  const auto& fields = (*parsed)->as_object();
  if (const auto* zone = fields.if_contains("zone"); zone != nullptr && zone->is_string()) {
    read.time_zone = std::string(zone->as_string());
  }
  if (const auto* quiet = fields.if_contains("quiet");
      quiet != nullptr && quiet->is_array() && quiet->as_array().size() == 2) {
    const auto from = time_at(quiet->as_array(), 0);
    const auto to = time_at(quiet->as_array(), 1);
    if (from && to) {
      read.quiet.emplace(*from, *to);
    }
  }
  if (const auto* every = fields.if_contains("every"); every != nullptr) {
    read.every = Recurrence::from_json(*every);
  }
  read.broadcast = text_at(fields, "broadcast");
  read.trace = text_at(fields, "trace");
  read.strict = is_strict(text);
  return read;
}

std::string Annotations::to_string() const {
  json::object fields;
  if (quiet || every) {
    fields["zone"] = time_zone;
  }
  if (!broadcast.empty()) {
    fields["broadcast"] = broadcast;
  }
  if (!trace.empty()) {
    fields["trace"] = trace;
  }
  if (strict) {
    fields["strict"] = true;
  }
  if (quiet) {
    fields["quiet"] = json::array{quiet->from().to_string(), quiet->to().to_string()};
  }
  if (every) {
    fields["every"] = every->to_json();
  }
  return fields.empty() ? std::string() : json::serialize(fields);
}

std::string Annotations::broadcast_of(const std::string& text) {
  return text.find(R"("broadcast":)") == std::string::npos ? std::string() : parse(text).broadcast;
}

std::string Annotations::trace_of(const std::string& text) {
  return text.find(R"("trace":)") == std::string::npos ? std::string() : parse(text).trace;
}

bool Annotations::is_strict(const std::string& text) noexcept {
  return text.find(R"("strict":true)") != std::string::npos;
}

bool Annotations::may_have_times(const std::string& text) noexcept {
  return text.find(R"("every":)") != std::string::npos || text.find(R"("quiet":)") != std::string::npos;
}

bool Annotations::has_known_zone() const noexcept {
  return TimeZone::find(time_zone).has_value();
}

std::string Annotations::zone_to_count_in() const {
  return has_known_zone() ? time_zone : "UTC";
}

WallTime Annotations::awake(WallTime when) const {
  return quiet ? after_quiet_hours(when, *quiet, zone_to_count_in()) : when;
}

// The next time is counted from `due`, so that a late send does not move the later ones. Missed times are left out.
std::optional<WallTime> Annotations::next(WallTime due, WallTime now) const {
  if (!every) {
    return std::nullopt;
  }
  const auto zone = zone_to_count_in();
  const auto interval = every->next(due, zone) - due;
  auto next = every->next(std::max(due, now), zone);
  if (every->is_interval()) {
    const auto missed = std::max<WallTime::duration::rep>(0, (now - due) / interval);
    next = due + (missed + 1) * interval;
  }
  return std::chrono::ceil<std::chrono::microseconds>(awake(next));
}

}  // namespace tern::detail
