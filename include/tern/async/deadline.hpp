#pragma once

#include <tern/async/clock.hpp>

namespace tern {

/// The point in monotonic time by which an operation must have ended. A value: pass it on to what you call.
class Deadline {
 public:
  /// No deadline.
  static constexpr Deadline never() noexcept { return Deadline{SteadyTime::max()}; }
  /// This point in time.
  static constexpr Deadline at(SteadyTime when) noexcept { return Deadline{when}; }
  /// `duration` from now; so long a duration that time would overflow means never.
  static Deadline after(SteadyTime::duration duration, const Clock& clock = system_clock()) noexcept;

  /// The point in time; `SteadyTime::max()` without a deadline.
  constexpr SteadyTime when() const noexcept { return when_; }
  /// Whether there is no deadline.
  constexpr bool is_never() const noexcept { return when_ == SteadyTime::max(); }
  /// Whether it has passed.
  bool expired(const Clock& clock = system_clock()) const noexcept { return clock.now() >= when_; }
  /// The time that is left, not below zero.
  SteadyTime::duration remaining(const Clock& clock = system_clock()) const noexcept;
  /// The earlier of the two.
  constexpr Deadline min(Deadline other) const noexcept { return other.when_ < when_ ? other : *this; }

  /// The earlier deadline is less.
  friend constexpr auto operator<=>(Deadline, Deadline) = default;

 private:
  constexpr explicit Deadline(SteadyTime when) noexcept : when_(when) {}
  SteadyTime when_;
};

}  // namespace tern
