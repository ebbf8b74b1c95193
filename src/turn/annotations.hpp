#pragma once

#include <tern/storage/schedule_types.hpp>
#include <tern/turn/proactive.hpp>

#include <optional>
#include <string>

namespace tern::detail {

/// What is kept with a send for when it fires: `ScheduledSend::annotations`, as JSON.
struct Annotations {
  std::string time_zone = "UTC";
  std::optional<QuietHours> quiet;
  std::optional<Recurrence> every;
  std::string broadcast;  ///< the id of the broadcast that it belongs to; "" for none

  static Annotations of(const SendOptions& options);
  /// What is unknown or damaged is left out.
  static Annotations parse(const std::string& text);
  /// "" when there is nothing to keep.
  std::string to_string() const;

  /// `when`, or the end of the quiet hours that it lies in.
  WallTime awake(WallTime when) const;
  /// When a send that was due at `due` comes again after `now`; nullopt when it does not.
  std::optional<WallTime> next(WallTime due, WallTime now) const;
};

}  // namespace tern::detail
