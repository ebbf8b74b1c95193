#include <tern/async/timer.hpp>

#include <tern/async/deadline.hpp>

#include <utility>

namespace tern {

Timer::Timer(Clock& clock, executor ex) : clock_(&clock), impl_(clock.make_timer(std::move(ex))) {}
Timer::~Timer() = default;
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&&) noexcept = default;

awaitable<bool> Timer::wait_until(SteadyTime when) {
  return impl_->wait_until(when);
}

awaitable<bool> Timer::wait_for(SteadyTime::duration duration) {
  return impl_->wait_until(Deadline::after(duration, *clock_).when());
}

void Timer::cancel() noexcept {
  impl_->cancel();
}

awaitable<void> sleep_for(SteadyTime::duration duration, Clock& clock) {
  return clock.sleep_until(Deadline::after(duration, clock).when());
}

awaitable<void> Clock::sleep_until(SteadyTime when) {
  Timer timer(*this, co_await this_coro::executor);
  // Nobody else can cancel the timer, so the wait ends when the time has come.
  [[maybe_unused]] const bool came = co_await timer.wait_until(when);
}

}  // namespace tern
