#pragma once

#include <tern/storage/schedule_types.hpp>
#include <tern/turn/proactive.hpp>

#include <optional>
#include <string>

namespace tern::detail {

/// The data of a send that are needed when it is due. They are stored as JSON in `ScheduledSend::annotations`.
struct Annotations {
  std::string time_zone = "UTC";  ///< as the bot gave it; this machine may not know it
  std::optional<QuietHours> quiet;
  std::optional<Recurrence> every;
  std::string broadcast;  ///< the id of the broadcast that the send belongs to; "" for none
  bool strict = false;    ///< when the send dies, the later strict sends with its order key die too
  std::string trace;      ///< the id of the activity whose turn scheduled the send; "" for none

  /// Members of a text that `to_string` has written. These functions do not parse the text of most sends, because most
  /// sends do not have the member.
  static std::string broadcast_of(const std::string& text);
  static std::string trace_of(const std::string& text);
  static bool is_strict(const std::string& text) noexcept;
  /// False when the send certainly has neither a recurrence nor quiet hours.
  static bool may_have_times(const std::string& text) noexcept;

  static Annotations of(const SendOptions& options);
  /// Reads a text. Members that are unknown or damaged are left out.
  static Annotations parse(const std::string& text);
  /// The JSON text; "" when all members have their defaults.
  std::string to_string() const;

  /// Whether this machine knows the time zone. If it does not, `awake` and `next` use UTC, and their caller logs that.
  bool has_known_zone() const noexcept;

  /// `when`, or the end of the quiet hours that it lies in.
  WallTime awake(WallTime when) const;
  /// The next time of a send that was due at `due`, after `now`; nullopt when it does not recur.
  std::optional<WallTime> next(WallTime due, WallTime now) const;

 private:
  std::string zone_to_count_in() const;
};

}  // namespace tern::detail
