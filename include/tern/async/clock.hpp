#pragma once

#include <tern/async/awaitable.hpp>

#include <chrono>
#include <memory>

namespace tern {

using SteadyTime = std::chrono::steady_clock::time_point;
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

  /// For how long in all the machine was suspended, during which `now` stood still. What was counted by `now`, and ends
  /// by somebody else's clock, is older by what this has grown.
  /// Source: clock_gettime(2), CLOCK_BOOTTIME.
  virtual SteadyTime::duration asleep() const noexcept { return SteadyTime::duration::zero(); }

 protected:
  /// What `sleep_for` does; a clock that can do it with less memory than a timer takes does so.
  virtual awaitable<void> sleep_until(SteadyTime when);

 private:
  friend class Timer;
  friend awaitable<void> sleep_for(SteadyTime::duration duration, Clock& clock);
  virtual std::unique_ptr<detail::TimerImpl> make_timer(executor ex) = 0;
};

/// The clock of the machine. It lives as long as the program.
Clock& system_clock() noexcept;

}  // namespace tern
