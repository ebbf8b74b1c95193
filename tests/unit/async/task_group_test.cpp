#include "async/task_group.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "support/captured_log.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "scenario.hpp"
#include "support/run.hpp"

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::drain;
using test::Spawned;

awaitable<void> drain_into(TaskGroup& group, Deadline by, Clock& clock, std::optional<bool>& empty) {
  empty = co_await group.drain(by, clock);
}

class TaskGroupTest : public testing::Test {
 protected:
  std::function<awaitable<void>()> sleeping(SteadyTime::duration pause) {
    return [this, pause] { return sleep_for(pause, clock_); };
  }

  error_code refusal(TaskGroup& group) {
    try {
      group.spawn(io_.get_executor(), "refused", sleeping(1s));
    } catch (const system_error& e) {
      return e.code();
    }
    return {};
  }

  ManualClock clock_;
  asio::io_context io_{1};
};

TEST_F(TaskGroupTest, CountsATaskFromSpawnToItsEnd) {
  TaskGroup group;
  EXPECT_EQ(group.count(), 0U);
  group.spawn(io_.get_executor(), "one", sleeping(1s));
  group.spawn(io_.get_executor(), "two", sleeping(2s));
  EXPECT_EQ(group.count(), 2U);
  drain(io_);
  clock_.advance(1s);
  drain(io_);
  EXPECT_EQ(group.count(), 1U);
  clock_.advance(1s);
  drain(io_);
  EXPECT_EQ(group.count(), 0U);
  EXPECT_EQ(group.failures(), 0U);
}

TEST_F(TaskGroupTest, ATaskDoesNotBeginInsideSpawn) {
  TaskGroup group;
  bool begun = false;
  asio::post(io_, [&] {
    group.spawn(io_.get_executor(), "task", [&]() -> awaitable<void> {
      begun = true;
      co_return;
    });
    EXPECT_FALSE(begun);
  });
  drain(io_);
  EXPECT_TRUE(begun);
}

TEST_F(TaskGroupTest, KeepsTheCallableUntilItsCoroutineHasEnded) {
  TaskGroup group;
  auto held = std::make_shared<std::string>("still here");
  const std::weak_ptr<std::string> watch = held;
  std::string seen;
  // The lambda is the coroutine: its captures live in the callable, not in the frame.
  auto work = [held = std::move(held), this, &seen]() -> awaitable<void> {
    co_await sleep_for(1s, clock_);
    seen = *held;
  };
  group.spawn(io_.get_executor(), "task", std::move(work));
  drain(io_);
  EXPECT_FALSE(watch.expired());
  clock_.advance(1s);
  drain(io_);
  EXPECT_EQ(seen, "still here");
  EXPECT_TRUE(watch.expired());
}

TEST_F(TaskGroupTest, RefusesWhenClosed) {
  TaskGroup group;
  group.spawn(io_.get_executor(), "task", sleeping(1s));
  group.close();
  EXPECT_EQ(refusal(group), make_error_code(errc::shutting_down));
  EXPECT_EQ(group.count(), 1U);
}

TEST_F(TaskGroupTest, RefusesAtItsLimitAndTakesMoreWhenOneHasEnded) {
  TaskGroup group(2);
  group.spawn(io_.get_executor(), "one", sleeping(1s));
  group.spawn(io_.get_executor(), "two", sleeping(2s));
  EXPECT_EQ(refusal(group), make_error_code(errc::overloaded));
  drain(io_);
  clock_.advance(1s);
  drain(io_);
  EXPECT_FALSE(refusal(group));
  EXPECT_EQ(group.count(), 2U);
}

TEST_F(TaskGroupTest, RefusesNonsense) {
  EXPECT_THROW(TaskGroup(0), system_error);
  TaskGroup group;
  EXPECT_THROW(group.spawn(io_.get_executor(), "empty", nullptr), system_error);
  EXPECT_EQ(group.count(), 0U);
}

TEST_F(TaskGroupTest, LogsAndCountsWhatATaskThrows) {
  TaskGroup group;
  test::CapturedLog captured;
  group.spawn(io_.get_executor(), "early", []() -> awaitable<void> { throw std::runtime_error("before any await"); });
  group.spawn(io_.get_executor(), "late", [this]() -> awaitable<void> {
    co_await sleep_for(1s, clock_);
    throw 42;
  });
  drain(io_);
  clock_.advance(1s);
  drain(io_);
  const std::string logged = captured.take();
  EXPECT_EQ(group.failures(), 2U);
  EXPECT_EQ(group.count(), 0U);
  EXPECT_NE(logged.find("background task failed task=early error=\"before any await\""), std::string::npos) << logged;
  EXPECT_NE(logged.find("task=late"), std::string::npos) << logged;
}

TEST_F(TaskGroupTest, CancelEndsWhatRunsAndThatIsNoFailure) {
  TaskGroup group;
  group.spawn(io_.get_executor(), "one", sleeping(1h));
  drain(io_);
  group.spawn(io_.get_executor(), "not begun yet", sleeping(1h));
  group.cancel();
  drain(io_);
  EXPECT_EQ(group.count(), 0U);
  EXPECT_EQ(group.failures(), 0U);
  EXPECT_EQ(clock_.waiting(), 0U);
}

// What another thread posts runs before what this one has posted meanwhile, and that is how a task begins.
TEST_F(TaskGroupTest, CancelByAnotherThreadBeforeATaskBeginsEndsIt) {
  TaskGroup group;
  asio::post(io_, [&] {
    group.spawn(io_.get_executor(), "task", sleeping(1h));
    std::thread([&] { group.cancel(); }).join();
  });
  drain(io_);
  EXPECT_EQ(group.count(), 0U);
  EXPECT_EQ(group.failures(), 0U);
}

TEST_F(TaskGroupTest, DrainOfAnEmptyGroupEndsAtOnceAndCloses) {
  TaskGroup group;
  EXPECT_TRUE(test::run_on(io_, group.drain(Deadline::never(), clock_)));
  EXPECT_EQ(refusal(group), make_error_code(errc::shutting_down));
}

TEST_F(TaskGroupTest, DrainEndsWithTheLastTask) {
  TaskGroup group;
  group.spawn(io_.get_executor(), "one", sleeping(1s));
  group.spawn(io_.get_executor(), "two", sleeping(2s));
  std::optional<bool> empty;
  const Spawned draining(io_, drain_into(group, Deadline::after(1h, clock_), clock_, empty));
  drain(io_);
  clock_.advance(1s);
  drain(io_);
  EXPECT_FALSE(empty.has_value());
  clock_.advance(1s);
  drain(io_);
  EXPECT_EQ(empty, true);
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(TaskGroupTest, DrainGivesUpAtItsDeadline) {
  TaskGroup group;
  group.spawn(io_.get_executor(), "slow", sleeping(1h));
  std::optional<bool> empty;
  const Spawned draining(io_, drain_into(group, Deadline::after(1s, clock_), clock_, empty));
  drain(io_);
  clock_.advance(1s);
  drain(io_);
  EXPECT_EQ(empty, false);
  EXPECT_EQ(group.count(), 1U);
}

TEST_F(TaskGroupTest, DrainAfterCancelWaitsForTheCleanUp) {
  TaskGroup group;
  group.spawn(io_.get_executor(), "task", [this]() -> awaitable<void> {
    try {
      co_await sleep_for(1h, clock_);
    } catch (const system_error&) {
    }
    co_await this_coro::reset_cancellation_state();
    co_await sleep_for(2s, clock_);
  });
  drain(io_);
  group.cancel();
  std::optional<bool> empty;
  const Spawned draining(io_, drain_into(group, Deadline::never(), clock_, empty));
  drain(io_);
  EXPECT_FALSE(empty.has_value());
  clock_.advance(2s);
  drain(io_);
  EXPECT_EQ(empty, true);
}

TEST_F(TaskGroupTest, DestroyingTheGroupCancelsItsTasksWhichEndByThemselves) {
  std::optional<TaskGroup> group(std::in_place);
  bool cleaned = false;
  group->spawn(io_.get_executor(), "task", [this, &cleaned]() -> awaitable<void> {
    try {
      co_await sleep_for(1h, clock_);
    } catch (const system_error&) {
      cleaned = true;
    }
  });
  std::optional<bool> empty;
  const Spawned draining(io_, drain_into(*group, Deadline::never(), clock_, empty));
  drain(io_);
  group.reset();
  drain(io_);
  EXPECT_TRUE(cleaned);
  EXPECT_EQ(empty, true);
}

TEST_F(TaskGroupTest, TasksWhoseContextGoesAwayLeaveTheGroup) {
  TaskGroup group;
  const auto held = std::make_shared<int>(1);
  {
    asio::io_context other{1};
    group.spawn(other.get_executor(), "running", [this, held] { return sleep_for(1h, clock_); });
    drain(other);
    group.spawn(other.get_executor(), "not begun", [this, held] { return sleep_for(1h, clock_); });
    group.cancel();
    EXPECT_EQ(group.count(), 2U);
  }
  EXPECT_EQ(group.count(), 0U);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(TaskGroupTest, WorksAcrossThreads) {
  constexpr int threads = 3;
  constexpr int spawned_each = 300;
  std::atomic<int> ended = 0;
  std::atomic<int> refused = 0;
  TaskGroup group;
  std::vector<std::unique_ptr<asio::io_context>> contexts;
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    contexts.push_back(std::make_unique<asio::io_context>(1));
  }
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards;
  for (const auto& context : contexts) {
    guards.push_back(asio::make_work_guard(*context));
    running.emplace_back([&context] { context->run(); });
  }
  std::vector<std::thread> spawners;
  for (int i = 0; i < 2; ++i) {
    spawners.emplace_back([&] {
      for (int n = 0; n < spawned_each; ++n) {
        const auto ex = contexts[static_cast<std::size_t>(n % threads)]->get_executor();
        try {
          group.spawn(ex, "task", [&ended, n]() -> awaitable<void> {
            try {
              co_await sleep_for(n % 2 == 0 ? SteadyTime::duration{10us} : SteadyTime::duration{1h});
            } catch (const system_error&) {
            }
            ++ended;
          });
        } catch (const system_error&) {
          ++refused;
        }
        if (n % 50 == 0) {
          group.cancel();
        }
      }
    });
  }
  for (auto& thread : spawners) {
    thread.join();
  }
  group.cancel();
  EXPECT_TRUE(test::run_on(io_, group.drain(Deadline::after(60s))));
  guards.clear();
  for (auto& thread : running) {
    thread.join();
  }
  EXPECT_EQ(group.count(), 0U);
  EXPECT_EQ(refused, 0);
  // A task that was cancelled before it began did not get as far as counting itself.
  EXPECT_LE(ended, 2 * spawned_each);
  EXPECT_GT(ended, 0);
  EXPECT_EQ(group.failures(), 0U);
}

struct GroupScenario {
  ManualClock& clock;
  std::unique_ptr<TaskGroup> group;
  Spawned draining;
  bool advance() { return test::move_to_next(clock); }
};

awaitable<void> cancel_then_drain(TaskGroup& group, ManualClock& clock, bool& empty) {
  const bool in_time = co_await group.drain(Deadline::after(2s, clock), clock);
  EXPECT_FALSE(in_time);
  group.cancel();
  empty = co_await group.drain(Deadline::never(), clock);
}

TEST_F(TaskGroupTest, SurvivesDestructionAfterEveryHandler) {
  bool empty = false;
  test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    empty = false;
    auto group = std::make_unique<TaskGroup>();
    group->spawn(io.get_executor(), "short", sleeping(1s));
    group->spawn(io.get_executor(), "long", sleeping(1h));
    group->spawn(io.get_executor(), "empty", []() -> awaitable<void> { co_return; });
    TaskGroup& shared = *group;
    return GroupScenario{clock_, std::move(group), Spawned(io, cancel_then_drain(shared, clock_, empty))};
  });
  EXPECT_TRUE(empty);
  EXPECT_EQ(clock_.waiting(), 0U);
}

}  // namespace
}  // namespace tern
