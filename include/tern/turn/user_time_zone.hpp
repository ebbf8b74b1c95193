#pragma once

#include <tern/schema/activity.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace tern {

/// In which time zone a user is, and how that is known.
struct UserTimeZone {
  enum class Source : std::uint8_t {
    local_timezone,  ///< `localTimezone` of the activity
    client_info,     ///< `timezone` of an entity of type `clientInfo`: Teams
    local_timestamp  ///< the offset of `localTimestamp`, or of `rawLocalTimestamp`, as Azure calls it on Web Chat
  };
  std::string name;  ///< what `SendOptions::time_zone` and `is_time_zone` take
  Source source = Source::local_timezone;

  /// Whether it is only the offset of this moment, as `UTC+02:00`: it does not know of summer and winter, so that a
  /// daily reminder is an hour off after the clocks have changed. Tell the user so, or ask.
  bool is_fixed_offset() const noexcept { return source == Source::local_timestamp; }
};

/// The time zone of who sent an activity: the first that this machine knows of `localTimezone`, `clientInfo` and the
/// offset of the local time. nullopt when it tells none; a local time without an offset, or with one of more than 14
/// hours, tells none.
/// Thread safety: any thread.
/// Source: Activity Protocol, "Local timezone"; Teams, "clientInfo".
std::optional<UserTimeZone> user_time_zone(const Activity& activity);

}  // namespace tern
