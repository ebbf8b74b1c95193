#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>

#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace tern::auth {

/// Verifies signatures on threads of its own, and bounds how many wait for that: a flood of tokens costs no more than
/// these threads, and handlers that block the threads of `offload` hold up no token.
///
/// A place is that of the work, and not of the coroutine that waits for its end: a shard that stalls holds no place.
///
/// Lifetime: it outlives its coroutines, and the clock outlives it. When it is destroyed, work that has begun ends, and
///   work that waits is dropped.
/// Thread safety: all functions from any thread.
class VerificationPool {
 public:
  /// What became of work.
  enum class Outcome : std::uint8_t {
    done,  ///< it has ended
    late,  ///< the time is up; the work is done all the same
    busy   ///< too many wait; the work is not done
  };

  /// `threads`: how many do the work, 1 or more. `waiting`: how much more work may wait, 1 or more.
  VerificationPool(std::size_t threads, std::size_t waiting, Clock& clock);
  ~VerificationPool();
  VerificationPool(const VerificationPool&) = delete;
  VerificationPool& operator=(const VerificationPool&) = delete;

  /// Does `work` on a thread of the pool, and waits for its end, at most until `by`. `work` may outlive the coroutine,
  /// and not the pool.
  /// Cancellation: terminal cancellation throws `operation_aborted`; the work is done all the same.
  /// Errors: the exception that left `work`.
  awaitable<Outcome> run(std::function<void()> work, Deadline by);

  /// How much work is under way or waits. Whoever waited for work that is not counted any more was woken.
  std::size_t pending() const noexcept { return pending_; }

 private:
  class Job;
  class Waiting;

  bool add(const std::shared_ptr<Job>& job);

  const std::size_t most_;
  Clock& clock_;
  std::atomic<std::size_t> pending_{0};
  asio::thread_pool threads_;  // the last member: its destructor waits for its threads
};

}  // namespace tern::auth
