#include <tern/async/manual_clock.hpp>

#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "async/wait_mark.hpp"

namespace tern {
namespace {

// One wait. `flag` never expires; cancelling it wakes the waiter. The other members are used on the executor of the
// timer only. Each wait has an object of its own, so that a late wake-up cannot end the next wait.
struct ManualWait {
  explicit ManualWait(const executor& ex) : flag(ex, SteadyTime::max()) {}

  asio::steady_timer flag;
  bool due = false;
  bool cancelled = false;
};

// Waits that are due at the same time wake in the order in which they began.
using WaitKey = std::pair<SteadyTime, std::uint64_t>;

}  // namespace

struct ManualClock::State {
  mutable std::mutex mutex;
  SteadyTime now;
  WallTime wall;
  SteadyTime::duration asleep{};
  std::uint64_t next_number = 0;
  std::map<WaitKey, std::shared_ptr<ManualWait>> waits;

  // Posts with the mutex locked: a coroutine removes its wait under the mutex before its frame ends. So the context of
  // each wait in the list still exists.
  void wake_due() {
    while (!waits.empty() && waits.begin()->first.first <= now) {
      auto wait = waits.begin()->second;
      asio::post(wait->flag.get_executor(), [wait] {
        wait->due = true;
        wait->flag.cancel();
      });
      waits.erase(waits.begin());
    }
  }
};

namespace {

struct ManualTimerState {
  std::shared_ptr<ManualClock::State> clock;
  executor ex;
  bool waiting = false;
  std::shared_ptr<ManualWait> current;
  WaitKey key{};

  void forget() {
    const std::lock_guard lock(clock->mutex);
    clock->waits.erase(key);
  }
};

// Keeps a wait in the clock's list while its coroutine exists.
class Registration {
 public:
  Registration(std::shared_ptr<ManualTimerState> timer, SteadyTime when) : mark_(timer->waiting), timer_(timer) {
    auto wait = std::make_shared<ManualWait>(timer_->ex);
    const std::lock_guard lock(timer_->clock->mutex);
    if (timer_->clock->now >= when) {
      wait->due = true;
    } else {
      timer_->key = {when, timer_->clock->next_number++};
      timer_->clock->waits.emplace(timer_->key, wait);
    }
    timer_->current = std::move(wait);
  }
  ~Registration() {
    timer_->current = nullptr;
    timer_->forget();
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  detail::WaitMark mark_;
  std::shared_ptr<ManualTimerState> timer_;
};

awaitable<bool> wait(std::shared_ptr<ManualTimerState> timer, SteadyTime when) {
  const Registration registered(timer, when);
  const auto wait = timer->current;
  if (wait->due) {
    co_return true;
  }
  const auto [error] = co_await wait->flag.async_wait(asio::as_tuple(asio::deferred));
  if (wait->cancelled) {
    co_return false;
  }
  if (wait->due) {
    co_return true;
  }
  throw system_error(error, "timer of a manual clock");
}

class ManualTimer final : public detail::TimerImpl {
 public:
  explicit ManualTimer(std::shared_ptr<ManualTimerState> state) : state_(std::move(state)) {}
  ManualTimer(const ManualTimer&) = delete;
  ManualTimer& operator=(const ManualTimer&) = delete;
  ~ManualTimer() override { ManualTimer::cancel(); }

  awaitable<bool> wait_until(SteadyTime when) override { return wait(state_, when); }

  void cancel() noexcept override {
    if (const auto wait = state_->current) {
      state_->forget();
      wait->cancelled = true;
      wait->flag.cancel();
    }
  }

 private:
  std::shared_ptr<ManualTimerState> state_;
};

}  // namespace

ManualClock::ManualClock() : ManualClock(std::chrono::sys_days{std::chrono::year{2026} / std::chrono::January / 1}) {}

ManualClock::ManualClock(WallTime start) : state_(std::make_shared<State>()) {
  state_->now = SteadyTime{std::chrono::hours{1}};
  state_->wall = start;
}

ManualClock::~ManualClock() = default;

SteadyTime ManualClock::now() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->now;
}

WallTime ManualClock::wall_now() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->wall;
}

void ManualClock::advance(SteadyTime::duration duration) {
  if (duration < SteadyTime::duration::zero()) {
    throw_error(errc::invalid_argument, "ManualClock::advance: the duration is negative; steady time never goes back");
  }
  const std::lock_guard lock(state_->mutex);
  state_->now += duration;
  state_->wall += std::chrono::duration_cast<WallTime::duration>(duration);
  state_->wake_due();
}

void ManualClock::step_wall(WallTime::duration duration) {
  const std::lock_guard lock(state_->mutex);
  state_->wall += duration;
}

void ManualClock::suspend(WallTime::duration duration) {
  const std::lock_guard lock(state_->mutex);
  state_->wall += duration;
  state_->asleep += duration;
}

SteadyTime::duration ManualClock::asleep() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->asleep;
}

std::size_t ManualClock::waiting() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->waits.size();
}

SteadyTime ManualClock::next_due() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->waits.empty() ? SteadyTime::max() : state_->waits.begin()->first.first;
}

std::unique_ptr<detail::TimerImpl> ManualClock::make_timer(executor ex) {
  auto state = std::make_shared<ManualTimerState>();
  state->clock = state_;
  state->ex = std::move(ex);
  return std::make_unique<ManualTimer>(std::move(state));
}

}  // namespace tern
