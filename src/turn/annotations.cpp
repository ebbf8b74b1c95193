#include "turn/annotations.hpp"

#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace tern::detail {

namespace {

std::optional<TimeOfDay> time_at(const json::array& times, std::size_t place) {
  return times[place].is_string() ? TimeOfDay::parse(times[place].as_string()) : std::nullopt;
}

std::string text_at(const json::object& fields, std::string_view name) {
  const auto* value = fields.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

Annotations Annotations::of(const SendOptions& options) {
  Annotations made;
  made.time_zone = options.time_zone();
  made.quiet = options.quiet_hours();
  made.every = options.every();
  made.strict = options.strict();
  if (!is_time_zone(made.time_zone)) {
    throw_error(errc::invalid_argument, "SendOptions::time_zone: \"" + made.time_zone.substr(0, 80) +
                                            "\" is no time zone. Use a name of the IANA database, as Europe/Berlin.");
  }
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
    const std::string name(zone->as_string());
    read.time_zone = is_time_zone(name) ? name : read.time_zone;
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

WallTime Annotations::awake(WallTime when) const {
  return quiet ? after_quiet_hours(when, *quiet, time_zone) : when;
}

// Counted from when it was due, so that a late one does not move those that follow; what was missed is left out.
std::optional<WallTime> Annotations::next(WallTime due, WallTime now) const {
  if (!every) {
    return std::nullopt;
  }
  const auto interval = every->next(due, time_zone) - due;
  auto next = every->next(std::max(due, now), time_zone);
  if (every->is_interval()) {
    const auto missed = std::max<WallTime::duration::rep>(0, (now - due) / interval);
    next = due + (missed + 1) * interval;
  }
  return std::chrono::ceil<std::chrono::microseconds>(awake(next));
}

}  // namespace tern::detail
