#include <tern/async/clock.hpp>

#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/wait_traits.hpp>

#include <time.h>

#include <optional>
#include <utility>

#include "async/wait_mark.hpp"

namespace tern {
namespace {

struct SystemTimerState {
  explicit SystemTimerState(const executor& ex) : timer(ex) {}

  asio::steady_timer timer;
  bool waiting = false;
  bool cancelled = false;
};

// The coroutine shares the state, because the timer may be destroyed while the coroutine is suspended.
awaitable<bool> wait(std::shared_ptr<SystemTimerState> state, SteadyTime when) {
  const detail::WaitMark mark(state->waiting);
  state->cancelled = false;
  while (std::chrono::steady_clock::now() < when) {
    state->timer.expires_at(when);
    const auto [error] = co_await state->timer.async_wait(asio::as_tuple(asio::deferred));
    // Checked first: a wait may be cancelled after it has expired and before it is resumed. It counts as cancelled
    // then.
    if (state->cancelled) {
      co_return false;
    }
    if (error) {
      throw system_error(error, "timer");
    }
  }
  co_return true;
}

class SystemTimer final : public detail::TimerImpl {
 public:
  explicit SystemTimer(executor ex) : state_(std::make_shared<SystemTimerState>(std::move(ex))) {}
  SystemTimer(const SystemTimer&) = delete;
  SystemTimer& operator=(const SystemTimer&) = delete;
  ~SystemTimer() override { SystemTimer::cancel(); }

  awaitable<bool> wait_until(SteadyTime when) override { return wait(state_, when); }

  void cancel() noexcept override {
    if (state_->waiting) {
      state_->cancelled = true;
      state_->timer.cancel();
    }
  }

 private:
  std::shared_ptr<SystemTimerState> state_;
};

// A timer with the executor type of the io_context is a third smaller than one with a type-erased executor, and so is
// its wait.
using ShardTimer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                              asio::io_context::executor_type>;

std::optional<asio::io_context::executor_type> shard_of(const executor& ex) {
  const auto* shard = ex.target<asio::io_context::executor_type>();
  return shard != nullptr ? std::optional(*shard) : std::nullopt;
}

class SystemClock final : public Clock {
 public:
  SteadyTime now() const noexcept override { return std::chrono::steady_clock::now(); }
  WallTime wall_now() const noexcept override { return std::chrono::system_clock::now(); }
  SteadyTime::duration asleep() const noexcept override {
    const auto awake = read(CLOCK_MONOTONIC);
    return read(CLOCK_BOOTTIME) - awake;
  }

 private:
  static SteadyTime::duration read(clockid_t id) noexcept {
    timespec time{};
    clock_gettime(id, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

  std::unique_ptr<detail::TimerImpl> make_timer(executor ex) override {
    return std::make_unique<SystemTimer>(std::move(ex));
  }

  // This uses one coroutine frame, because very many turns may sleep at once.
  awaitable<void> sleep_until(SteadyTime when) override {
    const auto shard = shard_of(co_await this_coro::executor);
    if (!shard) {
      co_await Clock::sleep_until(when);
      co_return;
    }
    ShardTimer timer(*shard);
    while (now() < when) {
      timer.expires_at(when);
      const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::deferred));
      if (error) {
        throw system_error(error, "timer");
      }
    }
  }
};

}  // namespace

Clock& system_clock() noexcept {
  static SystemClock clock;
  return clock;
}

}  // namespace tern
