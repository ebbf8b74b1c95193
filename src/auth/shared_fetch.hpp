#pragma once

#include "async/task_group.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>

namespace tern::auth {

/// Something that is fetched for all shards: one task fetches it, and the coroutines that need it wait for that, each
/// on its own executor. What is fetched, and when, is said by the class that derives from this one.
///
/// A fetch that has begun ends exactly once, and those that wait for it are woken, whatever happens: also when there is
/// no memory for the task, and when its context is destroyed.
///
/// Lifetime: its owner and the fetch that is under way share it. The clock outlives it, and so does what the functions
///   below use.
/// Thread safety: all functions from any thread.
class SharedFetch : public std::enable_shared_from_this<SharedFetch> {
 public:
  struct Options {
    const char* name;                   ///< of a fetch, for the log
    executor home;                      ///< has the fetches, and runs one handler at a time
    std::chrono::milliseconds timeout;  ///< for a fetch
    std::size_t most_waiting;           ///< how many coroutines wait for a fetch
  };
  /// How a wait has ended.
  enum class Wait : std::uint8_t {
    ended,  ///< the fetch has ended, or none was under way
    late,   ///< the time was up first
    full    ///< there was no place to wait
  };

  SharedFetch(Options options, Clock& clock) noexcept;
  virtual ~SharedFetch();
  SharedFetch(const SharedFetch&) = delete;
  SharedFetch& operator=(const SharedFetch&) = delete;

  /// Waits for the fetch that is under way.
  /// Cancellation: terminal cancellation throws `operation_aborted`; the fetch goes on.
  static awaitable<Wait> wait(std::shared_ptr<SharedFetch> self, std::chrono::milliseconds at_most);

  /// Cancels the fetch that is under way, and lets no other begin. Its owner calls it in its destructor.
  void close() noexcept;

 protected:
  /// Begins the fetch that is under way from now on, as `under_way` says already. Preconditions: the mutex is not
  /// locked.
  void begin() noexcept;

  Clock& clock_;
  std::mutex mutex_;  // guards what was fetched, and when the next fetch is

 private:
  class UnderWay;
  class Waiting;

  ///@{
  /// With the mutex locked. Exactly one of the last two is called for each fetch, from any thread. `error`: nullptr
  /// when nothing is known, because there was no memory for the task or its context was destroyed.
  virtual bool under_way() const noexcept = 0;
  virtual void succeeded() noexcept = 0;
  virtual void failed(const std::exception_ptr& error) noexcept = 0;
  ///@}
  /// Fetches, and keeps the result for `succeeded`. On `home`. It is cancelled at `by`.
  virtual awaitable<void> fetch(Deadline by) = 0;
  /// Writes to the log how the fetch has ended; `error` is nullptr after success. What it throws is dropped.
  virtual void report(const std::exception_ptr& error) = 0;

  static awaitable<void> run(std::shared_ptr<UnderWay> fetch);
  void end(bool well, const std::exception_ptr& error) noexcept;

  const Options options_;
  std::list<Waiting*> waiting_;
  TaskGroup tasks_;
};

}  // namespace tern::auth
