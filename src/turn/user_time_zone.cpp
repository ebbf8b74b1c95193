#include <tern/turn/user_time_zone.hpp>

#include "turn/time_zone.hpp"

#include <tern/async/log.hpp>
#include <tern/turn/recurrence.hpp>

#include <atomic>
#include <chrono>
#include <string_view>
#include <utility>

namespace tern {

namespace {

using Source = UserTimeZone::Source;

// Whether a timestamp tells its writer's offset. A text without an offset does not, nor does -00:00 (RFC 3339, 4.3).
bool tells_offset(std::string_view text) {
  constexpr std::size_t numeric = 6;  // +01:00
  if (text.ends_with('Z') || text.ends_with('z')) {
    return true;
  }
  const char sign = text.size() > numeric ? text[text.size() - numeric] : ' ';
  return (sign == '+' || sign == '-') && !text.ends_with("-00:00");
}

std::optional<std::string> offset_of(const json::value* local) {
  if (local == nullptr || !local->is_string()) {
    return std::nullopt;
  }
  const std::string_view text = local->as_string();
  const auto time = Timestamp::parse(text);
  if (!time || !tells_offset(text) || std::chrono::abs(time->offset()) > detail::furthest_offset) {
    return std::nullopt;
  }
  return detail::fixed_time_zone(time->offset());
}

// Whoever sends an activity chooses the name, so one such line is enough.
void warn_of(std::string_view unknown) {
  static std::atomic<bool> told{false};
  if (!unknown.empty() && !told.exchange(true)) {
    log::warn("the time zone of a user is not known here, and the next thing that tells one counts; told once",
              {{"why", detail::unknown_time_zone(unknown)}});
  }
}

std::optional<std::string> known_zone(std::string_view name) {
  if (is_time_zone(name)) {
    return std::string(name);
  }
  warn_of(name);
  return std::nullopt;
}

// Teams writes the first, and some clients the second.
bool is_client_info(std::string_view type) noexcept {
  return type == "clientInfo" || type == "ClientInfo";
}

// Reads the entity without copying it, because it may be large.
std::optional<std::string> zone_of_client(const json::value& item) {
  const auto* entity = item.if_object();
  const auto* type = entity != nullptr ? entity->if_contains("type") : nullptr;
  const auto* zone = entity != nullptr ? entity->if_contains("timezone") : nullptr;
  const bool is_it =
      type != nullptr && type->is_string() && is_client_info(type->as_string()) && zone != nullptr && zone->is_string();
  return is_it ? known_zone(zone->as_string()) : std::nullopt;
}

}  // namespace

std::optional<UserTimeZone> user_time_zone(const Activity& activity) {
  if (const auto name = activity.local_timezone()) {
    if (auto zone = known_zone(*name)) {
      return UserTimeZone{std::move(*zone), Source::local_timezone};
    }
  }
  const auto& fields = activity.json();
  if (const auto* entities = fields.if_contains("entities"); entities != nullptr && entities->is_array()) {
    for (const auto& item : entities->as_array()) {
      if (auto zone = zone_of_client(item)) {
        return UserTimeZone{std::move(*zone), Source::client_info};
      }
    }
  }
  for (const auto* name : {"localTimestamp", "rawLocalTimestamp"}) {
    if (auto zone = offset_of(fields.if_contains(name))) {
      return UserTimeZone{std::move(*zone), Source::local_timestamp};
    }
  }
  return std::nullopt;
}

}  // namespace tern
