#include <tern/async/offload.hpp>
#include <tern/async/timer.hpp>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
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

/// A function that has begun, and that a test lets end. It owns what it uses, for it may outlive its caller.
struct Held {
  std::promise<void> begun;
  std::promise<void> go;
  std::promise<bool> wanted;  // whether its result still was, when it went on

  /// The function of `held`.
  static auto function(std::shared_ptr<Held> held) {
    return [held = std::move(held)](std::stop_token stop) {
      held->begun.set_value();
      held->go.get_future().wait();
      held->wanted.set_value(!stop.stop_requested());
    };
  }
};

TEST(Offload, AFunctionSeesThatItsCallerWasCancelled) {
  asio::io_context io{1};
  auto held = std::make_shared<Held>();
  Spawned spawned(io, offload(Held::function(held)));
  test::drain(io);
  held->begun.get_future().wait();
  spawned.cancel();
  test::drain(io);
  held->go.set_value();
  EXPECT_FALSE(held->wanted.get_future().get());
  io.restart();
  io.run();
  EXPECT_TRUE(spawned.ended());
  EXPECT_FALSE(spawned.failed()) << "it ran to its end all the same";
}

TEST(Offload, AFunctionThatIsWantedSeesNoStop) {
  EXPECT_FALSE(test::run(offload([](std::stop_token stop) { return stop.stop_requested(); })));
}

// The context goes, and with it the coroutine; the function ends for nobody.
TEST(Offload, OutlivesTheContextOfItsCallerAndTouchesNothingOfIt) {
  auto held = std::make_shared<Held>();
  auto in_frame = std::make_shared<int>(1);
  const std::weak_ptr<int> frame = in_frame;
  {
    asio::io_context io{1};
    auto caller = [](std::shared_ptr<Held> what, std::shared_ptr<int> mine) -> awaitable<int> {
      co_await offload(Held::function(std::move(what)));
      co_return *mine;
    };
    asio::co_spawn(io, caller(held, std::move(in_frame)), [](std::exception_ptr, int) { ADD_FAILURE(); });
    test::drain(io);
    held->begun.get_future().wait();
  }
  EXPECT_TRUE(frame.expired());
  held->go.set_value();
  EXPECT_FALSE(held->wanted.get_future().get());
  // What the function held is released on its thread, soon; another call on each thread has been through it.
  const std::weak_ptr<Held> function = std::exchange(held, nullptr);
  while (!function.expired()) {
    std::this_thread::yield();
  }
}

// Functions end while their context is being destroyed: AddressSanitizer and ThreadSanitizer look at it.
TEST(Offload, EndsWhileItsContextIsDestroyed) {
  for (int i = 0; i < 200; ++i) {
    asio::io_context io{1};
    for (int call = 0; call < 4; ++call) {
      asio::co_spawn(io, offload([] { std::this_thread::yield(); }), [](std::exception_ptr) {});
    }
    for (int ran = 0; ran < i % 8; ++ran) {
      io.poll_one();
    }
  }
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
