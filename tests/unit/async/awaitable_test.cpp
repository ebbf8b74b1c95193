#include <tern/async/awaitable.hpp>

#include "asios_coroutines.hpp"
#include "pools/block_pool.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

namespace tern {
namespace {

using testing::UnorderedElementsAre;

struct Guard {
  explicit Guard(int& counted) : count(&counted) { ++*count; }
  ~Guard() { --*count; }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  int* count;
};

awaitable<int> depth(int left, int& alive) {
  const Guard guard(alive);
  std::array<std::byte, 200> room{};
  if (left == 0) {
    co_await asio::post(co_await this_coro::executor, asio::deferred);
    co_return static_cast<int>(room[0]);
  }
  co_return 1 + co_await depth(left - 1, alive);
}

template <class T>
void run(asio::io_context& io, awaitable<T> work, std::exception_ptr& error) {
  asio::co_spawn(io, std::move(work), [&error](std::exception_ptr e, auto&&...) { error = std::move(e); });
}

TEST(Awaitable, IsOneOfAsiosWithFramesOfThePool) {
  using Traits = std::coroutine_traits<awaitable<int>, int>;
  EXPECT_TRUE((std::is_base_of_v<asio::awaitable<int>, awaitable<int>>));
  EXPECT_TRUE((std::is_same_v<Traits::promise_type, detail::PooledFrame<int>>));
}

// A source that includes Tern and one that does not compile the same inline coroutine: it must be the same in both.
TEST(Awaitable, ACoroutineOfAsiosTypeHasTheSameFrameWithAndWithoutTern) {
  const auto with = asios::Frame::of<asio::awaitable<int>>();
  const auto without = asios::frame_without_tern();
  EXPECT_EQ(*with.promise, *without.promise) << with.promise->name() << " and " << without.promise->name();
  EXPECT_EQ(with.size, without.size);
}

awaitable<int> sum_of_both() {
  const int without = co_await asios::add_two_without_tern(1);
  const int with = co_await asios::add_two(without);
  co_return with;
}

asio::awaitable<int> asios_sum(std::function<awaitable<int>()> work) {
  const int sum = co_await work();
  co_return co_await asios::add_one(sum);
}

TEST(Awaitable, AwaitsAsiosCoroutinesAndIsAwaitedByThem) {
  asio::io_context io;
  std::vector<int> results;
  const auto note = [&results](std::exception_ptr error, int result) {
    EXPECT_EQ(error, nullptr);
    results.push_back(result);
  };
  asio::co_spawn(io, sum_of_both(), note);
  asio::co_spawn(io, asios_sum(sum_of_both), note);
  io.run();
  EXPECT_THAT(results, UnorderedElementsAre(5, 6));
}

TEST(Awaitable, AsiosCoSpawnTakesItAndFunctionsThatReturnIt) {
  asio::io_context io;
  std::vector<int> results;
  const auto note = [&results](std::exception_ptr error, int result) {
    EXPECT_EQ(error, nullptr);
    results.push_back(result);
  };
  asio::co_spawn(io, [] { return sum_of_both(); }, note);
  asio::co_spawn(io.get_executor(), sum_of_both, note);
  asio::co_spawn(io, []() -> awaitable<int> { return asios::add_one(0); }, note);
  io.run();
  EXPECT_THAT(results, UnorderedElementsAre(5, 5, 1));
}

awaitable<std::unique_ptr<int>> make_seven() {
  co_return std::make_unique<int>(7);
}

awaitable<void> wait_for_ever() {
  asio::steady_timer timer(co_await this_coro::executor, asio::steady_timer::time_point::max());
  co_await timer.async_wait(asio::use_awaitable);
}

TEST(Awaitable, AsiosOperatorsTakeIt) {
  using namespace asio::experimental::awaitable_operators;
  asio::io_context io;
  std::exception_ptr error;
  int both = 0;
  std::size_t first = 2;
  const auto work = [&]() -> awaitable<void> {
    auto seven = co_await (make_seven() && sum_of_both());
    both = *std::get<0>(seven) + std::get<1>(seven);
    auto raced = co_await (wait_for_ever() || sum_of_both());
    first = raced.index();
  };
  run(io, work(), error);
  io.run();
  EXPECT_EQ(error, nullptr);
  EXPECT_EQ(both, 12);
  EXPECT_EQ(first, 1u);
}

TEST(Awaitable, CarriesResultsAndExceptionsThroughManyThatWaitAtOnce) {
  constexpr int coroutines = 300;
  constexpr int nested = 6;
  asio::io_context io;
  int alive = 0;
  int sum = 0;
  int failed = 0;
  std::vector<std::exception_ptr> errors(coroutines);
  const auto count = [&](int i) -> awaitable<void> {
    sum += co_await depth(nested, alive);
    if (i % 3 == 0) {
      throw std::runtime_error("every third");
    }
  };
  for (int i = 0; i < coroutines; ++i) {
    run(io, count(i), errors[static_cast<std::size_t>(i)]);
  }
  io.run();
  for (const auto& error : errors) {
    failed += error != nullptr ? 1 : 0;
  }
  EXPECT_EQ(sum, coroutines * nested);
  EXPECT_EQ(failed, coroutines / 3);
  EXPECT_EQ(alive, 0);
}

TEST(Awaitable, FramesThatNeverEndAreFreedWithTheirContext) {
  int alive = 0;
  std::exception_ptr error;
  {
    asio::io_context io;
    for (int i = 0; i < 20; ++i) {
      run(io, depth(3, alive), error);
    }
    io.run_one();  // the first waits now, the others have not begun
    EXPECT_GT(alive, 0);
  }
  EXPECT_EQ(alive, 0);
}

awaitable<int> one() {
  co_return 1;
}

TEST(Awaitable, AFrameMayEndOnAnotherThreadThanItBeganOn) {
  constexpr int coroutines = 50;
  asio::io_context first;
  asio::io_context second;
  auto work = asio::make_work_guard(second);
  int ended = 0;  // of the second thread
  std::exception_ptr error;
  const auto move_over = [&]() -> awaitable<void> {
    co_await asio::post(asio::bind_executor(second, asio::use_awaitable));
    ended += co_await one();
  };
  std::thread other([&] { second.run(); });
  for (int i = 0; i < coroutines; ++i) {
    run(first, move_over(), error);
  }
  first.run();
  work.reset();
  other.join();
  EXPECT_EQ(error, nullptr);
  EXPECT_EQ(ended, coroutines);
}

// Once it is cancelled a coroutine gets no further: what it would await next is not even begun.
TEST(Awaitable, BeginsNothingMoreWhenItIsCancelled) {
  asio::io_context io;
  asio::cancellation_signal signal;
  std::exception_ptr error;
  int begun = 0;
  const auto begin = [&]() -> awaitable<void> {
    ++begun;
    co_return;
  };
  const auto work = [&](bool throws) -> awaitable<void> {
    co_await this_coro::throw_if_cancelled(throws);
    co_await asio::post(co_await this_coro::executor, asio::deferred);
    co_await begin();
    signal.emit(asio::cancellation_type::terminal);
    co_await begin();
    ++begun;
  };
  const auto run_it = [&](bool throws) {
    begun = 0;
    error = nullptr;
    asio::co_spawn(io, work(throws),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) { error = std::move(e); }));
    io.restart();
    io.run();
  };
  run_it(true);
  EXPECT_EQ(begun, 1);
  ASSERT_NE(error, nullptr);
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    EXPECT_EQ(e.code(), asio::error::operation_aborted);
  }
  run_it(false);
  EXPECT_EQ(begun, 3);
  EXPECT_EQ(error, nullptr);
}

// What the pool is for: hundreds that wait give their frames to those who come next.
TEST(Awaitable, FramesAreUsedAgain) {
  if (!detail::blocks_are_pooled) {
    GTEST_SKIP() << "every block is a fresh one under AddressSanitizer";
  }
  constexpr std::size_t frames = 100;
  constexpr std::size_t bytes = 500;
  // On a thread whose pool is empty.
  std::thread([&] {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < frames; ++i) {
      blocks.push_back(detail::PooledFrame<void>::operator new(bytes));
    }
    const std::set<void*> first(blocks.begin(), blocks.end());
    for (auto* block : blocks) {
      detail::PooledFrame<void>::operator delete(block, bytes);
    }
    for (auto& block : blocks) {
      block = detail::PooledFrame<int>::operator new(bytes);
    }
    EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()), first);
    for (auto* block : blocks) {
      detail::PooledFrame<int>::operator delete(block, bytes);
    }
  }).join();
}

}  // namespace
}  // namespace tern
