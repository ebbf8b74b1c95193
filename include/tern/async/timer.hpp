#pragma once

#include <tern/async/clock.hpp>

namespace tern {

namespace detail {
/// What a clock provides for one timer. All functions are called on the timer's executor.
class TimerImpl {
 public:
  virtual ~TimerImpl() = default;
  virtual awaitable<bool> wait_until(SteadyTime when) = 0;
  virtual void cancel() noexcept = 0;
};
}  // namespace detail

/// A timer of a `Clock`. One coroutine waits on it at a time.
///
/// Lifetime: the clock outlives the timer; the timer outlives a wait on it.
/// Thread safety: used on its executor only.
class Timer {
 public:
  Timer(Clock& clock, executor ex);
  ~Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;

  /// Waits until `when`; true when the time came, false when `cancel` ended the wait. Never ends early.
  /// Cancellation: terminal cancellation of the awaiting coroutine throws `operation_aborted`.
  awaitable<bool> wait_until(SteadyTime when);

  /// Waits for `duration` (zero or less: the wait ends at once).
  awaitable<bool> wait_for(SteadyTime::duration duration);

  /// Ends the current wait, which yields false. No effect without one.
  void cancel() noexcept;

 private:
  Clock* clock_;
  std::unique_ptr<detail::TimerImpl> impl_;
};

/// Waits for `duration` of `clock` on the current executor; the usual way to pause inside a turn.
awaitable<void> sleep_for(SteadyTime::duration duration, Clock& clock = system_clock());

}  // namespace tern
