#include <tern/async/offload.hpp>
#include <tern/async/timer.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "scenario.hpp"
#include "support/run.hpp"

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::Spawned;

struct NoDefault {
  explicit NoDefault(int v) : value(v) {}
  int value;
};

TEST(Offload, GivesResultsOfManyKinds) {
  EXPECT_EQ(test::run(offload([] { return 3; })), 3);
  EXPECT_EQ(*test::run(offload([] { return std::make_unique<int>(4); })), 4);
  EXPECT_EQ(test::run(offload([] { return NoDefault(5); })).value, 5);
  bool ran = false;
  test::run(offload([&] { ran = true; }));
  EXPECT_TRUE(ran);
}

TEST(Offload, TakesAMoveOnlyFunction) {
  auto held = std::make_unique<int>(6);
  EXPECT_EQ(test::run(offload([held = std::move(held)] { return *held; })), 6);
}

TEST(Offload, PassesOnWhatTheFunctionThrows) {
  EXPECT_THROW(test::run(offload([] { throw std::out_of_range("void"); })), std::out_of_range);
  EXPECT_THROW(test::run(offload([]() -> std::string { throw std::out_of_range("value"); })), std::out_of_range);
}

awaitable<void> compare_threads(std::thread::id home) {
  EXPECT_EQ(std::this_thread::get_id(), home);
  const auto other = co_await offload([] { return std::this_thread::get_id(); });
  EXPECT_NE(other, home);
  EXPECT_EQ(std::this_thread::get_id(), home);
}

TEST(Offload, RunsElsewhereAndResumesOnTheCallersExecutor) {
  test::run(compare_threads(std::this_thread::get_id()));
}

TEST(Offload, DestroysTheFunctionBeforeTheCallerResumes) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  auto caller = [](std::shared_ptr<int> inside, std::weak_ptr<int> outside) -> awaitable<bool> {
    co_await offload([inner = std::move(inside)] {});
    co_return outside.expired();
  };
  EXPECT_TRUE(test::run(caller(std::move(held), watch)));
}

TEST(Offload, BlocksNeitherTheCallerNorTheNext) {
  // The pool has two threads at least: one waits for the other.
  asio::io_context io{1};
  std::promise<void> promise;
  auto future = promise.get_future();
  const Spawned waits(io, offload([&] { future.wait(); }));
  test::drain(io);
  EXPECT_FALSE(waits.ended());
  test::run_on(io, offload([&] { promise.set_value(); }));
  io.restart();
  io.run();
  EXPECT_TRUE(waits.ended());
}

TEST(Offload, AFunctionThatHasBegunRunsToItsEndInSpiteOfCancellation) {
  asio::io_context io{1};
  std::promise<void> begun;
  std::promise<void> go;
  bool finished = false;
  auto caller = [](std::promise<void>& start, std::promise<void>& end, bool& done) -> awaitable<void> {
    const int result = co_await offload([&start, &end] {
      start.set_value();
      end.get_future().wait();
      return 8;
    });
    done = result == 8;
  };
  Spawned spawned(io, caller(begun, go, finished));
  test::drain(io);
  begun.get_future().wait();
  spawned.cancel();
  test::drain(io);
  EXPECT_FALSE(spawned.ended());
  go.set_value();
  io.restart();
  io.run();
  EXPECT_TRUE(spawned.ended());
  EXPECT_TRUE(finished);
}

TEST(Offload, ServesManyThreadsAtOnce) {
  constexpr int threads = 3;
  constexpr int calls = 200;
  std::atomic<int> sum = 0;
  auto caller = [](std::atomic<int>& total) -> awaitable<void> {
    for (int i = 0; i < calls; ++i) {
      const std::string text = co_await offload([i] { return std::to_string(i); });
      total += std::stoi(text) == i ? 1 : 0;
      try {
        co_await offload([] { throw std::runtime_error("expected"); });
      } catch (const std::runtime_error&) {
        ++total;
      }
    }
  };
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&] { test::run(caller(sum)); });
  }
  for (auto& thread : running) {
    thread.join();
  }
  EXPECT_EQ(sum, threads * calls * 2);
}

}  // namespace
}  // namespace tern
