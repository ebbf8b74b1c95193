#include <tern/async/manual_clock.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "scenario.hpp"
#include "support/run.hpp"

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::drain;
using test::Spawned;
using testing::ElementsAre;

class ManualClockTest : public testing::Test {
 protected:
  awaitable<void> note_after(SteadyTime::duration pause, int what) {
    co_await sleep_for(pause, clock_);
    noted_.push_back(what);
  }

  ManualClock clock_;
  asio::io_context io_{1};
  std::vector<int> noted_;
};

TEST_F(ManualClockTest, StartsAtADateThatTestsCanRelyOn) {
  EXPECT_EQ(clock_.wall_now().time_since_epoch(), 1'767'225'600s);
  EXPECT_EQ(clock_.now().time_since_epoch(), 1h);
  const ManualClock other(WallTime{5s});
  EXPECT_EQ(other.wall_now(), WallTime{5s});
}

TEST_F(ManualClockTest, WakesNothingBeforeItsTime) {
  const Spawned waiting(io_, note_after(10s, 1));
  drain(io_);
  EXPECT_EQ(clock_.waiting(), 1U);
  EXPECT_EQ(clock_.next_due(), clock_.now() + 10s);
  clock_.advance(10s - 1ns);
  drain(io_);
  EXPECT_THAT(noted_, ElementsAre());
  clock_.advance(1ns);
  EXPECT_EQ(clock_.waiting(), 0U);
  EXPECT_THAT(noted_, ElementsAre());
  drain(io_);
  EXPECT_THAT(noted_, ElementsAre(1));
  EXPECT_EQ(clock_.next_due(), SteadyTime::max());
}

TEST_F(ManualClockTest, WakesInOrderOfDueTimeAndThenOfBeginning) {
  const Spawned spawned[] = {Spawned(io_, note_after(3s, 3)), Spawned(io_, note_after(1s, 1)),
                             Spawned(io_, note_after(2s, 20)), Spawned(io_, note_after(2s, 21)),
                             Spawned(io_, note_after(4s, 4))};
  drain(io_);
  clock_.advance(3s);
  drain(io_);
  EXPECT_THAT(noted_, ElementsAre(1, 20, 21, 3));
}

TEST_F(ManualClockTest, MovesBothClocksAndSteppingTheWallClockWakesNobody) {
  const auto start = clock_.now();
  const auto wall = clock_.wall_now();
  const Spawned waiting(io_, note_after(1s, 1));
  drain(io_);
  clock_.step_wall(24h);
  drain(io_);
  EXPECT_EQ(clock_.now(), start);
  EXPECT_EQ(clock_.wall_now(), wall + 24h);
  EXPECT_THAT(noted_, ElementsAre());
  clock_.step_wall(-48h);
  clock_.advance(500ms);
  EXPECT_EQ(clock_.now(), start + 500ms);
  EXPECT_EQ(clock_.wall_now(), wall - 24h + 500ms);
}

TEST_F(ManualClockTest, ASuspensionStopsMonotonicTimeAlone) {
  const auto start = clock_.now();
  const auto wall = clock_.wall_now();
  clock_.suspend(1h);
  clock_.suspend(1h);
  EXPECT_EQ(clock_.now(), start);
  EXPECT_EQ(clock_.wall_now(), wall + 2h);
  EXPECT_EQ(clock_.asleep(), 2h);
}

TEST(SystemClock, KnowsHowLongTheMachineWasSuspended) {
  const auto before = system_clock().asleep();
  EXPECT_GE(before, 0ns);
  EXPECT_LT(system_clock().asleep() - before, 1h);
}

TEST_F(ManualClockTest, RefusesToGoBack) {
  EXPECT_THROW(clock_.advance(-1ns), system_error);
}

TEST_F(ManualClockTest, AWakeUpOnItsWayDoesNotEndTheNextWait) {
  Timer timer(clock_, io_.get_executor());
  std::vector<bool> results;
  auto twice = [](Timer& on, Clock& of, std::vector<bool>& into) -> awaitable<void> {
    const bool first = co_await on.wait_until(of.now() + 1s);
    into.push_back(first);
    const bool second = co_await on.wait_until(of.now() + 1h);
    into.push_back(second);
  };
  const Spawned waiting(io_, twice(timer, clock_, results));
  drain(io_);
  timer.cancel();      // queues the end of the first wait
  clock_.advance(1s);  // nobody is due any more
  drain(io_);
  EXPECT_THAT(results, ElementsAre(false));
  timer.cancel();
  drain(io_);
  EXPECT_THAT(results, ElementsAre(false, false));
}

TEST_F(ManualClockTest, CancelAfterTheTimeCameButBeforeTheWakeUpStillCancels) {
  Timer timer(clock_, io_.get_executor());
  std::optional<bool> came;
  auto once = [](Timer& on, std::optional<bool>& into) -> awaitable<void> { into = co_await on.wait_for(1s); };
  const Spawned waiting(io_, once(timer, came));
  drain(io_);
  clock_.advance(1s);
  timer.cancel();
  drain(io_);
  EXPECT_EQ(came, false);
}

TEST_F(ManualClockTest, IsMovedFromAnotherThreadWhileManyWait) {
  constexpr int threads = 3;
  constexpr int sleeps = 200;
  std::atomic<int> ended = 0;
  auto sleeper = [](Clock& clock, std::atomic<int>& count) -> awaitable<void> {
    for (int i = 0; i < sleeps; ++i) {
      const SteadyTime until = clock.now() + std::chrono::milliseconds(1 + i % 3);
      co_await sleep_for(until - clock.now(), clock);
      EXPECT_GE(clock.now(), until);
    }
    ++count;
  };
  std::vector<std::unique_ptr<asio::io_context>> contexts;
  for (int i = 0; i < threads; ++i) {
    contexts.push_back(std::make_unique<asio::io_context>(1));
    for (int j = 0; j < 4; ++j) {
      asio::co_spawn(*contexts.back(), sleeper(clock_, ended), [](std::exception_ptr e) { EXPECT_FALSE(e); });
    }
  }
  std::vector<std::thread> running;
  for (const auto& context : contexts) {
    running.emplace_back([&context] { context->run(); });
  }
  while (ended < threads * 4) {
    clock_.advance(1ms);
    std::this_thread::yield();
  }
  for (auto& thread : running) {
    thread.join();
  }
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(ManualClockTest, WaitsEndWithTheirContext) {
  {
    asio::io_context io{1};
    const Spawned one(io, note_after(1ms, 1));
    const Spawned two(io, note_after(1h, 2));
    drain(io);
    clock_.advance(1ms);  // one is woken and never runs
    EXPECT_EQ(clock_.waiting(), 1U);
  }
  EXPECT_EQ(clock_.waiting(), 0U);
  clock_.advance(2h);
  EXPECT_THAT(noted_, ElementsAre());
}

}  // namespace
}  // namespace tern
