#pragma once

#include <tern/async/clock.hpp>

namespace tern {

namespace detail {
/// What a clock provides for one timer. All functions are called on the timer's executor. Destroying it ends a wait
/// as `cancel` does, so what the waiting coroutine needs is shared with it.
class TimerImpl {
 public:
  virtual ~TimerImpl() = default;
  virtual awaitable<bool> wait_until(SteadyTime when) = 0;
  virtual void cancel() noexcept = 0;
};
}  // namespace detail

/// A timer of a `Clock`. One coroutine waits on it at a time.
///
/// Lifetime: the clock outlives the timer. Destroying the timer ends a wait on it, which then yields false.
/// Thread safety: used on its executor only, which runs one handler at a time: a shard or a strand.
class Timer {
 public:
  /// A timer of `clock` whose waits resume on `ex`.
  Timer(Clock& clock, executor ex);
  ~Timer();
  ///@{
  /// Moves the timer.
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  ///@}

  /// Waits until `when`. True when the time has come, which is never early; false when `cancel` ended the wait.
  /// Cancellation: terminal cancellation of the awaiting coroutine throws `operation_aborted`.
  /// Errors: `errc::invalid_argument` when another coroutine waits on this timer already.
  awaitable<bool> wait_until(SteadyTime when);

  /// Waits for `duration` from this call (zero or less: the wait ends at once).
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
