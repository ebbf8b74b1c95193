#pragma once

#include <tern/async/deadline.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace tern {

/// A gate for background work: it counts running tasks, refuses new tasks once closed, and waits for the running ones.
///
/// Lifetime: `drain` before destruction; a group destroyed with running tasks cancels them, and they end by themselves.
/// A task whose context is destroyed leaves the group; that must not happen during `cancel`, which posts to it.
/// Thread safety: `spawn`, `count`, `failures`, `close` and `cancel` from any thread; `drain` from one coroutine at a
/// time.
class TaskGroup {
 public:
  /// `limit`: the most tasks at once, 1 or more.
  explicit TaskGroup(std::size_t limit = static_cast<std::size_t>(-1));
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `work` on `ex`, after this call has returned. `ex` runs one handler at a time: a shard or a strand. The
  /// callable is kept alive until its coroutine has ended, so it may capture. An exception that leaves the coroutine is
  /// logged under `name` and counted.
  /// Errors: `errc::shutting_down` when the group is closed, `errc::overloaded` at the limit, `errc::invalid_argument`
  ///   for an empty `work`. Then `work` has not begun.
  void spawn(executor ex, std::string_view name, std::function<awaitable<void>()> work);

  /// Refuses new work from now on.
  void close() noexcept;

  /// Sends terminal cancellation to all running tasks, to each on its own executor.
  void cancel();

  /// How many tasks run.
  std::size_t count() const noexcept;

  /// How many tasks have ended with an exception. A cancelled task that ends with `operation_aborted` is not counted.
  std::uint64_t failures() const noexcept;

  /// Closes the group and waits for the running tasks, at most until `by`. True when none runs any more.
  awaitable<bool> drain(Deadline by, Clock& clock = system_clock());

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tern
