#pragma once

#include <tern/async/awaitable.hpp>

#include <chrono>
#include <memory>

namespace tern {

/// A point in monotonic time, for deadlines and intervals.
using SteadyTime = std::chrono::steady_clock::time_point;
/// A point in wall-clock time, UTC.
using WallTime = std::chrono::system_clock::time_point;

namespace detail {
class TimerImpl;
}

/// Where time comes from: the system's clocks, or a `ManualClock` that a test moves.
///
/// Thread safety: all functions may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Monotonic time, for deadlines and intervals.
  virtual SteadyTime now() const noexcept = 0;

  /// Wall-clock time (UTC), for what a person or a channel reads, and for when a send is due.
  virtual WallTime wall_now() const noexcept = 0;

  /// How long the machine was suspended, in all; `now` stands still meanwhile. A lease that another machine measures by
  /// its own clock goes on: it is older than `now` says, by the growth of this.
  /// Source: clock_gettime(2), CLOCK_BOOTTIME.
  virtual SteadyTime::duration asleep() const noexcept { return SteadyTime::duration::zero(); }

 protected:
  /// Does the work of `sleep_for`. A clock overrides it when it can wait with less memory than a timer takes.
  virtual awaitable<void> sleep_until(SteadyTime when);

 private:
  friend class Timer;
  friend awaitable<void> sleep_for(SteadyTime::duration duration, Clock& clock);
  virtual std::unique_ptr<detail::TimerImpl> make_timer(executor ex) = 0;
};

/// The clock of the machine. It lives as long as the program.
Clock& system_clock() noexcept;

}  // namespace tern
