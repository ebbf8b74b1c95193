#include "auth/verification_pool.hpp"

#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using Outcome = VerificationPool::Outcome;

/// What holds up the threads of a pool until the test lets them go.
class Barrier {
 public:
  /// Work that waits for `open`.
  std::function<void()> work() {
    return [gate = gate_, &ran = ran_] {
      gate.wait();
      ++ran;
    };
  }
  void open() { opened_.set_value(); }
  int ran() const { return ran_; }

 private:
  std::promise<void> opened_;
  std::shared_future<void> gate_ = opened_.get_future().share();
  std::atomic<int> ran_{0};
};

void wait_until_idle(const VerificationPool& pool) {
  while (pool.pending() > 0) {
    std::this_thread::yield();
  }
}

class VerificationPoolTest : public testing::Test {
 protected:
  static awaitable<void> note(awaitable<Outcome> work, std::vector<Outcome>& outcomes) {
    const auto outcome = co_await std::move(work);
    outcomes.push_back(outcome);
  }
  void begin(VerificationPool& pool, std::function<void()> work) {
    asio::co_spawn(io, note(pool.run(std::move(work), Deadline::after(10s, clock)), outcomes), asio::detached);
    tern::test::drain(io);
  }
  void finish(std::size_t count) {
    io.restart();
    while (outcomes.size() < count) {
      ASSERT_NE(io.run_one_for(tern::test::patience), 0U);
    }
  }

  ManualClock clock;
  Barrier barrier;  // the pools end before it
  std::vector<Outcome> outcomes;
  asio::io_context io{1};
};

TEST_F(VerificationPoolTest, DoesWorkOnAThreadOfItsOwn) {
  VerificationPool pool(1, 1, clock);
  std::thread::id there;
  const auto outcome = tern::test::run_on(io, pool.run([&] { there = std::this_thread::get_id(); }, Deadline::never()));
  EXPECT_EQ(outcome, Outcome::done);
  EXPECT_NE(there, std::this_thread::get_id());
  wait_until_idle(pool);
}

TEST_F(VerificationPoolTest, TurnsAwayWhoeverFindsTheLineFull) {
  VerificationPool pool(2, 3, clock);
  for (int i = 0; i < 8; ++i) {
    begin(pool, barrier.work());
  }
  EXPECT_EQ(outcomes, std::vector(3, Outcome::busy));
  EXPECT_EQ(pool.pending(), 5U);
  barrier.open();
  finish(8);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), Outcome::done), 5);
  EXPECT_EQ(barrier.ran(), 5);
  wait_until_idle(pool);
  begin(pool, [] {});
  finish(9);
  EXPECT_EQ(outcomes.back(), Outcome::done);
}

TEST_F(VerificationPoolTest, WaitsForNoShardThatStalls) {
  VerificationPool pool(1, 1, clock);
  // These shards have begun to wait, and do not run any more.
  std::vector<std::unique_ptr<asio::io_context>> stalled;
  for (int i = 0; i < 10; ++i) {
    stalled.push_back(std::make_unique<asio::io_context>(1));
    asio::co_spawn(*stalled.back(), note(pool.run([] {}, Deadline::never()), outcomes), asio::detached);
    tern::test::drain(*stalled.back());
    wait_until_idle(pool);
  }
  EXPECT_EQ(tern::test::run_on(io, pool.run([] {}, Deadline::never())), Outcome::done);
}

TEST_F(VerificationPoolTest, DoesWorkToItsEndWhoseTimeIsUp) {
  VerificationPool pool(1, 1, clock);
  begin(pool, barrier.work());
  clock.advance(10s);
  tern::test::drain(io);
  EXPECT_EQ(outcomes, std::vector{Outcome::late});
  EXPECT_EQ(pool.pending(), 1U);
  barrier.open();
  wait_until_idle(pool);
  EXPECT_EQ(barrier.ran(), 1);
}

TEST_F(VerificationPoolTest, LetsWhoeverIsCancelledGoAtOnce) {
  VerificationPool pool(1, 1, clock);
  asio::cancellation_signal signal;
  std::exception_ptr error;
  asio::co_spawn(io, note(pool.run(barrier.work(), Deadline::never()), outcomes),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr ended) { error = ended; }));
  tern::test::drain(io);
  signal.emit(asio::cancellation_type::terminal);
  tern::test::drain(io);
  EXPECT_TRUE(error);
  EXPECT_EQ(outcomes.size(), 0U);
  barrier.open();
  wait_until_idle(pool);
  EXPECT_EQ(barrier.ran(), 1);
}

TEST_F(VerificationPoolTest, PassesOnWhatTheWorkThrows) {
  VerificationPool pool(1, 1, clock);
  EXPECT_THROW(tern::test::run_on(io, pool.run([] { throw std::runtime_error("no memory"); }, Deadline::never())),
               std::runtime_error);
  EXPECT_EQ(tern::test::run_on(io, pool.run([] {}, Deadline::never())), Outcome::done);
}

TEST_F(VerificationPoolTest, WakesNobodyOnAContextThatIsGone) {
  VerificationPool pool(1, 3, clock);
  {
    asio::io_context gone{1};
    for (int i = 0; i < 3; ++i) {
      asio::co_spawn(gone, note(pool.run(barrier.work(), Deadline::never()), outcomes), asio::detached);
    }
    tern::test::drain(gone);
  }
  barrier.open();
  wait_until_idle(pool);
  EXPECT_EQ(barrier.ran(), 3);
  EXPECT_EQ(outcomes.size(), 0U);
}

TEST_F(VerificationPoolTest, MayEndWhileWorkWaits) {
  auto pool = std::make_unique<VerificationPool>(1, 3, clock);
  {
    asio::io_context gone{1};
    for (int i = 0; i < 3; ++i) {
      asio::co_spawn(gone, note(pool->run(barrier.work(), Deadline::never()), outcomes), asio::detached);
    }
    tern::test::drain(gone);
  }
  std::thread opener([&] { barrier.open(); });
  pool.reset();
  opener.join();
  EXPECT_LE(barrier.ran(), 3);
}

awaitable<void> run_and_forget(VerificationPool& pool, std::atomic<int>& ran) {
  [[maybe_unused]] const auto outcome = co_await pool.run([&ran] { ++ran; }, Deadline::never());
}

TEST(VerificationPoolThreads, MayLoseTheirShardsAtAnyMoment) {
  ManualClock clock;
  std::atomic<int> ran{0};
  VerificationPool pool(2, 1000, clock);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j) {
        asio::io_context shard{1};
        for (int k = 0; k < 3; ++k) {
          asio::co_spawn(shard, run_and_forget(pool, ran), asio::detached);
        }
        shard.poll();
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  wait_until_idle(pool);
  EXPECT_EQ(ran, 3 * 100 * 3);
}

TEST(VerificationPoolFrames, MayBeDestroyedAtAnyPoint) {
  ManualClock clock;
  std::atomic<int> ran{0};
  VerificationPool pool(1, 1000, clock);
  struct Scenario {
    VerificationPool* pool;
    int left = 1;
    bool advance() {
      if (pool->pending() > 0) {
        std::this_thread::yield();
        return true;
      }
      return left-- > 0;
    }
  };
  tern::test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    for (int i = 0; i < 3; ++i) {
      asio::co_spawn(io, run_and_forget(pool, ran), asio::detached);
    }
    return std::make_unique<Scenario>(Scenario{&pool});
  });
  wait_until_idle(pool);
  EXPECT_GE(ran, 3);
}

}  // namespace
}  // namespace tern::auth
