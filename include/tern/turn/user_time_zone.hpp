#pragma once

#include <tern/schema/activity.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace tern {

/// The time zone of a user, and how it is known.
struct UserTimeZone {
  /// The member of the activity that tells the zone.
  enum class Source : std::uint8_t {
    local_timezone,  ///< `localTimezone` of the activity
    client_info,     ///< `timezone` of an entity of type `clientInfo` or `ClientInfo`: Teams
    local_timestamp  ///< the offset of `localTimestamp`, or of `rawLocalTimestamp`, as Azure calls it on Web Chat
  };
  std::string name;                        ///< as `SendOptions::time_zone` and `is_time_zone` take it
  Source source = Source::local_timezone;  ///< how it is known

  /// Whether the zone is only the offset of this moment, such as `UTC+02:00`. Such a zone has no summer time: a daily
  /// reminder is an hour off after the clocks have changed. Tell the user so, or ask for the zone.
  bool is_fixed_offset() const noexcept { return source == Source::local_timestamp; }
};

/// The time zone of the user who sent an activity. `localTimezone`, `clientInfo` and the offset of the local time are
/// asked in this order; the first zone that this machine knows counts, and the first name that it does not know is a
/// warning in the log, once in the life of the process. nullopt when the activity tells none; a local
/// time without an offset, or with an offset of more than 14 hours, tells none. Thread safety: any thread. Source:
/// Activity Protocol, "Local timezone"; Teams, "clientInfo".
std::optional<UserTimeZone> user_time_zone(const Activity& activity);

}  // namespace tern
