#include "auth/verification_pool.hpp"

#include "auth/wait_place.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>

namespace tern::auth {

// Work, and who waits for it. Whichever of the pool and the coroutine goes first, the other finds it here.
class VerificationPool::Job {
 public:
  Job(std::function<void()> work, std::shared_ptr<WaitPlace> waiter)
      : work_(std::move(work)), waiter_(std::move(waiter)) {}

  /// On a thread of the pool.
  void run() noexcept {
    std::exception_ptr error;
    try {
      work_();
    } catch (...) {
      error = std::current_exception();
    }
    work_ = nullptr;
    const std::lock_guard lock(mutex_);
    done_ = true;
    error_ = std::move(error);
    if (waiter_) {
      try {
        waiter_->wake();
      } catch (...) {  // no memory: it finds the outcome when its time is up
      }
    }
  }
  Outcome outcome() const {
    const std::lock_guard lock(mutex_);
    if (error_) {
      std::rethrow_exception(error_);
    }
    return done_ ? Outcome::done : Outcome::late;
  }
  /// Nobody waits any more.
  void forget() {
    const std::lock_guard lock(mutex_);
    waiter_.reset();
  }

 private:
  std::function<void()> work_;
  mutable std::mutex mutex_;
  std::shared_ptr<WaitPlace> waiter_;  // guarded by the mutex, as what follows
  bool done_ = false;
  std::exception_ptr error_;
};

// Waits for a job while its coroutine exists.
class VerificationPool::Waiting {
 public:
  explicit Waiting(std::shared_ptr<Job> job) noexcept : job_(std::move(job)) {}
  ~Waiting() { job_->forget(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::shared_ptr<Job> job_;
};

VerificationPool::VerificationPool(std::size_t threads, std::size_t waiting, Clock& clock)
    : most_(std::max<std::size_t>(threads, 1) + std::max<std::size_t>(waiting, 1)),
      clock_(clock),
      threads_(std::max<std::size_t>(threads, 1)) {}

VerificationPool::~VerificationPool() = default;

bool VerificationPool::add(const std::shared_ptr<Job>& job) {
  if (pending_.fetch_add(1) >= most_) {
    --pending_;
    return false;
  }
  try {
    asio::post(threads_, [this, job] {
      job->run();
      --pending_;
    });
  } catch (...) {
    --pending_;
    throw;
  }
  return true;
}

awaitable<VerificationPool::Outcome> VerificationPool::run(std::function<void()> work, Deadline by) {
  const auto ex = co_await asio::this_coro::executor;
  const auto place = std::make_shared<WaitPlace>(clock_, ex);
  const auto job = std::make_shared<Job>(std::move(work), place);
  if (!add(job)) {
    co_return Outcome::busy;
  }
  const Waiting waiting(job);
  [[maybe_unused]] const bool woken = co_await place->wait(by);
  co_return job->outcome();
}

}  // namespace tern::auth
