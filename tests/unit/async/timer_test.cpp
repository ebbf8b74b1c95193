#include <tern/async/manual_clock.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <gtest/gtest.h>

#include <optional>

#include "scenario.hpp"
#include "support/run.hpp"

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::drain;
using test::Spawned;

enum class Kind { system, manual };

// What holds for the timers of every clock.
class TimerOfClock : public testing::TestWithParam<Kind> {
 protected:
  Clock& clock() { return GetParam() == Kind::system ? system_clock() : manual_; }

  static awaitable<void> wait(Timer& timer, SteadyTime when, std::optional<bool>& came) {
    came = co_await timer.wait_until(when);
  }

  ManualClock manual_;
  asio::io_context io_{1};
};

INSTANTIATE_TEST_SUITE_P(Clocks, TimerOfClock, testing::Values(Kind::system, Kind::manual),
                         [](const auto& test) { return test.param == Kind::system ? "System" : "Manual"; });

TEST_P(TimerOfClock, APastTimeEndsTheWaitAtOnce) {
  Timer timer(clock(), io_.get_executor());
  EXPECT_TRUE(test::run_on(io_, timer.wait_until(clock().now() - 1s)));
  EXPECT_TRUE(test::run_on(io_, timer.wait_until(clock().now())));
  EXPECT_TRUE(test::run_on(io_, timer.wait_for(0s)));
  EXPECT_TRUE(test::run_on(io_, timer.wait_for(-1h)));
  EXPECT_TRUE(test::run_on(io_, timer.wait_for(SteadyTime::duration::min())));
}

TEST_P(TimerOfClock, CancelYieldsFalseAndTheTimerCanBeUsedAgain) {
  Timer timer(clock(), io_.get_executor());
  std::optional<bool> came;
  for (int i = 0; i < 3; ++i) {
    came.reset();
    const Spawned waiting(io_, wait(timer, clock().now() + 1h, came));
    drain(io_);
    EXPECT_FALSE(came.has_value());
    timer.cancel();
    drain(io_);
    EXPECT_EQ(came, false);
  }
  EXPECT_TRUE(test::run_on(io_, timer.wait_for(0s)));
}

TEST_P(TimerOfClock, CancelWithoutAWaitHasNoEffectOnTheNext) {
  Timer timer(clock(), io_.get_executor());
  timer.cancel();
  std::optional<bool> came;
  const Spawned waiting(io_, wait(timer, clock().now() + 1h, came));
  drain(io_);
  EXPECT_FALSE(waiting.ended());
}

TEST_P(TimerOfClock, TerminalCancellationThrowsOperationAborted) {
  Timer timer(clock(), io_.get_executor());
  std::optional<bool> came;
  Spawned waiting(io_, wait(timer, clock().now() + 1h, came));
  drain(io_);
  waiting.cancel();
  drain(io_);
  EXPECT_EQ(waiting.code(), asio::error::operation_aborted);
  EXPECT_EQ(manual_.waiting(), 0U);
}

TEST_P(TimerOfClock, DestroyingTheTimerEndsItsWait) {
  std::optional<Timer> timer(std::in_place, clock(), io_.get_executor());
  std::optional<bool> came;
  const Spawned waiting(io_, wait(*timer, clock().now() + 1h, came));
  drain(io_);
  timer.reset();
  drain(io_);
  EXPECT_EQ(came, false);
  EXPECT_EQ(manual_.waiting(), 0U);
}

TEST_P(TimerOfClock, MovingTheTimerKeepsItsWait) {
  Timer timer(clock(), io_.get_executor());
  std::optional<bool> came;
  const Spawned waiting(io_, wait(timer, clock().now() + 1h, came));
  drain(io_);
  Timer moved(std::move(timer));
  drain(io_);
  EXPECT_FALSE(came.has_value());
  moved.cancel();
  drain(io_);
  EXPECT_EQ(came, false);
}

TEST_P(TimerOfClock, ASecondWaitIsRefusedAndTheFirstGoesOn) {
  Timer timer(clock(), io_.get_executor());
  std::optional<bool> first;
  std::optional<bool> second;
  const Spawned waiting(io_, wait(timer, clock().now() + 1h, first));
  const Spawned refused(io_, wait(timer, clock().now() + 1h, second));
  drain(io_);
  EXPECT_EQ(refused.code(), make_error_code(errc::invalid_argument));
  EXPECT_FALSE(waiting.ended());
  timer.cancel();
  drain(io_);
  EXPECT_EQ(first, false);
}

TEST_P(TimerOfClock, WaitingForEverIsPossible) {
  Timer timer(clock(), io_.get_executor());
  std::optional<bool> came;
  const Spawned waiting(io_, wait(timer, SteadyTime::max(), came));
  drain(io_);
  EXPECT_FALSE(waiting.ended());
  timer.cancel();
  drain(io_);
  EXPECT_EQ(came, false);
}

TEST(SystemTimer, DoesNotWakeEarly) {
  for (const auto pause : {1us, 300us, 2000us}) {
    const SteadyTime until = system_clock().now() + pause;
    test::run(sleep_for(until - system_clock().now()));
    EXPECT_GE(system_clock().now(), until);
  }
}

awaitable<void> sleeper(Clock& clock, int& slept) {
  for (int i = 0; i < 3; ++i) {
    co_await sleep_for(10us, clock);
    ++slept;
  }
}

TEST(SystemTimer, SurvivesDestructionAfterEveryHandler) {
  int slept = 0;
  test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    slept = 0;
    return Spawned(io, sleeper(system_clock(), slept));
  });
  EXPECT_EQ(slept, 3);
}

TEST(ManualTimer, SurvivesDestructionAfterEveryHandler) {
  struct Scenario {
    ManualClock& clock;
    Spawned first;
    Spawned second;
    bool advance() { return test::move_to_next(clock); }
  };
  ManualClock clock;
  int slept = 0;
  test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    slept = 0;
    return Scenario{clock, Spawned(io, sleeper(clock, slept)), Spawned(io, sleeper(clock, slept))};
  });
  EXPECT_EQ(slept, 6);
  EXPECT_EQ(clock.waiting(), 0U);
}

}  // namespace
}  // namespace tern
