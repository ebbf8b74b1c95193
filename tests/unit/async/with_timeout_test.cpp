#include <tern/async/manual_clock.hpp>
#include <tern/async/timer.hpp>
#include <tern/async/with_timeout.hpp>
#include <tern/error.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "scenario.hpp"
#include "support/run.hpp"

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::drain;
using test::Spawned;

// No default constructor, no copy: what `with_timeout` must be able to return.
struct Only {
  explicit Only(int v) : value(std::make_unique<int>(v)) {}
  std::unique_ptr<int> value;
};

awaitable<int> give(int value) {
  co_return value;
}

awaitable<Only> give_later(SteadyTime::duration pause, Clock& clock) {
  co_await sleep_for(pause, clock);
  co_return Only(7);
}

awaitable<void> fail_later(SteadyTime::duration pause, Clock& clock) {
  co_await sleep_for(pause, clock);
  throw std::runtime_error("own failure");
}

class WithTimeout : public testing::Test {
 protected:
  // Runs `work` with a step of the clock whenever nothing is ready.
  template <class T>
  T run(awaitable<T> work) {
    std::optional<T> value;
    std::exception_ptr error;
    bool ended = false;
    auto keep = [](awaitable<T> inner, std::optional<T>& into) -> awaitable<void> {
      auto got = co_await std::move(inner);
      into.emplace(std::move(got));
    };
    asio::co_spawn(io_, keep(std::move(work), value), [&](std::exception_ptr e) {
      ended = true;
      error = e;
    });
    drain(io_);
    while (!ended && test::move_to_next(clock_)) {
      drain(io_);
    }
    EXPECT_TRUE(ended);
    if (error) {
      std::rethrow_exception(error);
    }
    return std::move(*value);
  }

  Deadline after(SteadyTime::duration duration) { return Deadline::after(duration, clock_); }

  ManualClock clock_;
  asio::io_context io_{1};
};

TEST_F(WithTimeout, GivesTheResultOfWorkThatEndsInTime) {
  EXPECT_EQ(run(with_timeout(give(3), after(1s), clock_)), 3);
  const SteadyTime start = clock_.now();
  const Only result = run(with_timeout(give_later(2s, clock_), after(1h), clock_));
  EXPECT_EQ(*result.value, 7);
  EXPECT_EQ(clock_.now(), start + 2s);
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(WithTimeout, NeverNeedsNoTimer) {
  Spawned work(io_, with_timeout(sleep_for(1s, clock_), Deadline::never(), clock_));
  drain(io_);
  EXPECT_EQ(clock_.waiting(), 1U);
  clock_.advance(1s);
  drain(io_);
  EXPECT_TRUE(work.ended());
  EXPECT_FALSE(work.failed());
}

TEST_F(WithTimeout, RethrowsTheFailureOfWorkAtOnce) {
  const Spawned work(io_, with_timeout(fail_later(1s, clock_), after(1h), clock_));
  drain(io_);
  clock_.advance(1s);
  drain(io_);
  EXPECT_TRUE(work.ended());
  EXPECT_TRUE(work.failed());
  EXPECT_FALSE(work.code());  // the runtime_error, not a system_error
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(WithTimeout, ThrowsTimedOutAndLeavesNoWorkBehind) {
  const Spawned work(io_, with_timeout(sleep_for(1h, clock_), after(1s), clock_));
  drain(io_);
  clock_.advance(1s - 1ns);
  drain(io_);
  EXPECT_FALSE(work.ended());
  clock_.advance(1ns);
  drain(io_);
  EXPECT_EQ(work.code(), make_error_code(errc::timed_out));
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(WithTimeout, DoesNotStartWorkWhenTheDeadlineHasPassed) {
  bool started = false;
  auto work = [](bool& flag) -> awaitable<void> {
    flag = true;
    co_return;
  };
  const Spawned late(io_, with_timeout(work(started), after(0s), clock_));
  drain(io_);
  EXPECT_EQ(late.code(), make_error_code(errc::timed_out));
  EXPECT_FALSE(started);
}

TEST_F(WithTimeout, WorkThatEndsAtTheSameMomentWins) {
  const Spawned work(io_, with_timeout(sleep_for(1s, clock_), after(1s), clock_));
  drain(io_);
  clock_.advance(1h);
  drain(io_);
  EXPECT_TRUE(work.ended());
  EXPECT_FALSE(work.failed());
}

TEST_F(WithTimeout, WorkThatFinishesInSpiteOfCancellationKeepsItsOutcome) {
  auto stubborn = [](Clock& clock) -> awaitable<int> {
    co_await this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await sleep_for(5s, clock);
    co_return 9;
  };
  EXPECT_EQ(run(with_timeout(stubborn(clock_), after(1s), clock_)), 9);
}

TEST_F(WithTimeout, AFailureDuringCancellationIsNotLost) {
  auto work = [](Clock& clock) -> awaitable<void> {
    try {
      co_await sleep_for(5s, clock);
    } catch (const system_error&) {
      throw std::runtime_error("could not clean up");
    }
  };
  const Spawned spawned(io_, with_timeout(work(clock_), after(1s), clock_));
  drain(io_);
  clock_.advance(1s);
  drain(io_);
  EXPECT_TRUE(spawned.failed());
  EXPECT_FALSE(spawned.code());
}

TEST_F(WithTimeout, TheCallerCanGoOnAfterATimeout) {
  auto caller = [](ManualClock& clock) -> awaitable<int> {
    int timeouts = 0;
    for (int i = 0; i < 3; ++i) {
      try {
        co_await with_timeout(sleep_for(1h, clock), Deadline::after(1s, clock), clock);
      } catch (const system_error& e) {
        EXPECT_EQ(e.code(), make_error_code(errc::timed_out));
        ++timeouts;
      }
      co_await sleep_for(1s, clock);
    }
    co_return timeouts;
  };
  const SteadyTime start = clock_.now();
  EXPECT_EQ(run(caller(clock_)), 3);
  EXPECT_EQ(clock_.now(), start + 6s);
}

TEST_F(WithTimeout, TheInnerDeadlineOfTwoCutsFirst) {
  auto inner = with_timeout(give_later(1h, clock_), after(1s), clock_);
  auto outer = with_timeout(std::move(inner), after(2s), clock_);
  const SteadyTime start = clock_.now();
  EXPECT_THROW(run(std::move(outer)), system_error);
  EXPECT_EQ(clock_.now(), start + 1s);
}

TEST_F(WithTimeout, CancellingTheCallerCancelsWorkAndThrowsOperationAborted) {
  bool cleaned = false;
  auto work = [](Clock& clock, bool& flag) -> awaitable<void> {
    try {
      co_await sleep_for(1h, clock);
    } catch (const system_error& e) {
      flag = e.code() == asio::error::operation_aborted;
      throw;
    }
  };
  Spawned spawned(io_, with_timeout(work(clock_, cleaned), after(1s), clock_));
  drain(io_);
  spawned.cancel();
  drain(io_);
  EXPECT_EQ(spawned.code(), asio::error::operation_aborted);
  EXPECT_TRUE(cleaned);
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(WithTimeout, CancellingTheCallerWhileTheTimeoutCleansUpIsHarmless) {
  auto work = [](Clock& clock) -> awaitable<void> {
    try {
      co_await sleep_for(1h, clock);
    } catch (const system_error&) {
    }
    co_await this_coro::reset_cancellation_state();
    co_await sleep_for(1s, clock);
    throw system_error(asio::error::operation_aborted);
  };
  Spawned spawned(io_, with_timeout(work(clock_), after(1s), clock_));
  drain(io_);
  clock_.advance(1s);
  drain(io_);
  EXPECT_FALSE(spawned.ended());
  spawned.cancel();
  drain(io_);
  clock_.advance(1h);
  drain(io_);
  EXPECT_TRUE(spawned.ended());
  EXPECT_TRUE(spawned.failed());
}

TEST_F(WithTimeout, WorksOnTheSystemsClock) {
  EXPECT_EQ(test::run(with_timeout(give(5), Deadline::after(1h))), 5);
  try {
    test::run(with_timeout(sleep_for(1h), Deadline::after(1ms)));
    FAIL() << "no timeout";
  } catch (const system_error& e) {
    EXPECT_EQ(e.code(), make_error_code(errc::timed_out));
  }
}

awaitable<void> all_outcomes(ManualClock& clock, int& steps) {
  const Only value = co_await with_timeout(give_later(1s, clock), Deadline::after(2s, clock), clock);
  steps += *value.value == 7 ? 1 : 0;
  try {
    co_await with_timeout(sleep_for(1h, clock), Deadline::after(1s, clock), clock);
  } catch (const system_error&) {
    ++steps;
  }
  try {
    co_await with_timeout(fail_later(1s, clock), Deadline::after(2s, clock), clock);
  } catch (const std::runtime_error&) {
    ++steps;
  }
  auto inner = with_timeout(sleep_for(1s, clock), Deadline::after(1s, clock), clock);
  co_await with_timeout(std::move(inner), Deadline::after(1s, clock), clock);
  ++steps;
}

TEST_F(WithTimeout, SurvivesDestructionAfterEveryHandler) {
  struct Scenario {
    ManualClock& clock;
    Spawned work;
    bool advance() { return test::move_to_next(clock); }
  };
  int steps = 0;
  test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    steps = 0;
    return Scenario{clock_, Spawned(io, all_outcomes(clock_, steps))};
  });
  EXPECT_EQ(steps, 4);
}

TEST_F(WithTimeout, SurvivesCancellationAfterEveryHandler) {
  struct Scenario {
    asio::io_context& io;
    ManualClock& clock;
    Spawned work;
    // The end of a run of n handlers: cancelled, then run to completion.
    ~Scenario() {
      work.cancel();
      drain(io);
      while (test::move_to_next(clock)) {
        drain(io);
      }
      EXPECT_TRUE(work.ended());
    }
    bool advance() { return test::move_to_next(clock); }
  };
  int steps = 0;
  test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    return std::make_unique<Scenario>(io, clock_, Spawned(io, all_outcomes(clock_, steps)));
  });
  EXPECT_EQ(clock_.waiting(), 0U);
}

}  // namespace
}  // namespace tern
