#pragma once

#include <tern/storage/schedule_types.hpp>
#include <tern/turn/proactive.hpp>

#include <optional>
#include <string>

namespace tern::detail {

/// What is kept with a send for when it fires: `ScheduledSend::annotations`, as JSON.
struct Annotations {
  std::string time_zone = "UTC";  ///< as it was given: this machine may not have it, or not any more
  std::optional<QuietHours> quiet;
  std::optional<Recurrence> every;
  std::string broadcast;  ///< the id of the broadcast that it belongs to; "" for none
  bool strict = false;    ///< when it is dead, later ones of its order do not pass it
  std::string trace;      ///< the id of the activity whose turn scheduled it; "" for none

  /// Some of them from what `to_string` gave, without reading the rest: most sends have none.
  static std::string broadcast_of(const std::string& text);
  static std::string trace_of(const std::string& text);
  static bool is_strict(const std::string& text) noexcept;
  /// Whether it may come again, or have quiet hours.
  static bool may_have_times(const std::string& text) noexcept;

  static Annotations of(const SendOptions& options);
  /// What is unknown or damaged is left out.
  static Annotations parse(const std::string& text);
  /// "" when there is nothing to keep.
  std::string to_string() const;

  /// Whether this machine has the time zone. Without it `awake` and `next` count in UTC; whoever acts on them says so.
  bool has_known_zone() const noexcept;

  /// `when`, or the end of the quiet hours that it lies in.
  WallTime awake(WallTime when) const;
  /// When a send that was due at `due` comes again after `now`; nullopt when it does not.
  std::optional<WallTime> next(WallTime due, WallTime now) const;

 private:
  std::string zone_to_count_in() const;
};

}  // namespace tern::detail
