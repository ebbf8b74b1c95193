#pragma once

#include <tern/async/clock.hpp>
#include <tern/async/timer.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

namespace tern::auth::test {

/// The clock of a test, which holds up every other thread that asks for the wall-clock time while it is held.
///
/// Lifetime: as that of `ManualClock`; it is let go before it ends.
class HeldClock final : public Clock {
 public:
  explicit HeldClock(Clock& clock) : clock_(clock) {}

  void hold() { held_ = true; }
  void let_go() {
    held_ = false;
    held_.notify_all();
  }

  SteadyTime now() const noexcept override { return clock_.now(); }
  WallTime wall_now() const noexcept override {
    if (std::this_thread::get_id() != owner_) {
      held_.wait(true);
    }
    return clock_.wall_now();
  }

 private:
  class HeldTimer final : public tern::detail::TimerImpl {
   public:
    HeldTimer(Clock& clock, executor ex) : timer_(clock, std::move(ex)) {}
    awaitable<bool> wait_until(SteadyTime when) override { return timer_.wait_until(when); }
    void cancel() noexcept override { timer_.cancel(); }

   private:
    Timer timer_;
  };
  std::unique_ptr<tern::detail::TimerImpl> make_timer(executor ex) override {
    return std::make_unique<HeldTimer>(clock_, std::move(ex));
  }

  Clock& clock_;
  const std::thread::id owner_ = std::this_thread::get_id();
  std::atomic<bool> held_{false};
};

}  // namespace tern::auth::test
