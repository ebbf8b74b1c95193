#pragma once

#include <tern/tern.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

/// "remind me in 20 s to stretch", "every day at 9 to drink water"
struct Remind {
  std::string text;
  std::optional<std::chrono::seconds> after;  ///< this, or
  std::optional<tern::Recurrence> at;         ///< the next such time
  std::optional<tern::TimeOfDay> tomorrow;    ///< or tomorrow at this time
  bool again_and_again = false;               ///< each time, and not only the next
  bool nag = false;                           ///< asks again until the user answers

  /// When it is due for the first time.
  tern::WallTime due(tern::WallTime now, const std::string& time_zone) const;
};
struct ListThem {};
struct Cancel {
  std::size_t number = 0;
};
struct SetZone {
  std::string name;
};
struct SetQuiet {
  std::optional<tern::QuietHours> hours;  ///< none: not quiet at any time
};
/// What was not understood; "" when the user asked for help.
struct Explain {
  std::string problem;
};

using Request = std::variant<Remind, ListThem, Cancel, SetZone, SetQuiet, Explain>;

/// What the user wants. Never fails: what cannot be understood is an `Explain` that says what is wrong.
Request parse_request(std::string_view text);
