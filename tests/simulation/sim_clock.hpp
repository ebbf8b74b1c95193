#pragma once

#include <tern/async/manual_clock.hpp>
#include <tern/async/timer.hpp>

#include <memory>
#include <utility>

namespace tern::simulation {

/// The clock of one machine: the world's, and its wall-clock time a little ahead of it or behind.
class SkewedClock final : public Clock {
 public:
  SkewedClock(ManualClock& world, WallTime::duration ahead) : world_(world), ahead_(ahead) {}

  SteadyTime now() const noexcept override { return world_.now(); }
  WallTime wall_now() const noexcept override { return world_.wall_now() + ahead_; }
  SteadyTime::duration asleep() const noexcept override { return world_.asleep(); }

 private:
  class SkewedTimer final : public detail::TimerImpl {
   public:
    explicit SkewedTimer(Timer timer) : timer_(std::move(timer)) {}
    awaitable<bool> wait_until(SteadyTime when) override { return timer_.wait_until(when); }
    void cancel() noexcept override { timer_.cancel(); }

   private:
    Timer timer_;
  };

  std::unique_ptr<detail::TimerImpl> make_timer(executor ex) override {
    return std::make_unique<SkewedTimer>(Timer(world_, std::move(ex)));
  }

  ManualClock& world_;
  const WallTime::duration ahead_;
};

}  // namespace tern::simulation
