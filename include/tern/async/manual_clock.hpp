#pragma once

#include <tern/async/clock.hpp>

#include <memory>

namespace tern {

/// A clock that stands still until a test moves it. Then it wakes the timers that are due, in the order of their times.
///
/// Lifetime: outlives its timers.
/// Thread safety: all functions from any thread. No context on which a coroutine waits may be in the middle of its
/// destruction during `advance`, which posts to it; Asio does not allow that.
class ManualClock final : public Clock {
 public:
  /// Starts at 2026-01-01T00:00:00Z, steady time one hour.
  ManualClock();
  /// Starts at this wall-clock time, steady time one hour.
  explicit ManualClock(WallTime start);
  ~ManualClock() override;

  SteadyTime now() const noexcept override;
  WallTime wall_now() const noexcept override;

  /// Moves both clocks on by `duration` (not negative) and wakes the timers that are due. The coroutines that wait for
  /// them resume on their own executors: run those afterwards.
  void advance(SteadyTime::duration duration);

  /// Moves wall-clock time alone, as NTP or an administrator does. May be negative.
  void step_wall(WallTime::duration duration);

  /// The machine is suspended for `duration` (not negative): wall-clock time goes on, monotonic time does not.
  void suspend(WallTime::duration duration);
  SteadyTime::duration asleep() const noexcept override;

  /// How many timers are being waited on.
  std::size_t waiting() const noexcept;

  /// The time at which the next waiting timer is due, or `SteadyTime::max()`.
  SteadyTime next_due() const noexcept;

  struct State;

 private:
  std::unique_ptr<detail::TimerImpl> make_timer(executor ex) override;

  std::shared_ptr<State> state_;
};

}  // namespace tern
