#pragma once

#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>
#include <tern/async/timer.hpp>

#include <memory>

namespace tern::auth {

/// The place of a coroutine that waits for something that another thread does.
///
/// Lifetime: the clock outlives it. The coroutine's context need not: a place whose context is gone wakes nobody.
class WaitPlace : public std::enable_shared_from_this<WaitPlace> {
 public:
  /// A place whose coroutine runs on `ex`, which runs one handler at a time.
  WaitPlace(Clock& clock, executor ex);

  /// Waits until `wake` was called or `by` has come; false in the second case. Called once, on `ex`.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  awaitable<bool> wait(Deadline by);

  /// Ends the wait, also one that has not begun. Called at most once.
  /// Thread safety: any thread, also while the context of `ex` is being destroyed.
  void wake();

 private:
  struct Context;
  class Service;

  executor ex_;
  std::shared_ptr<Context> context_;
  Timer timer_;
  bool woken_ = false;  // used on `ex_`
};

}  // namespace tern::auth
