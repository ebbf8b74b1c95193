#include "net/waiter.hpp"

#include "support/run.hpp"
#include "support/started.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace tern::net {
namespace {

using namespace std::chrono_literals;

struct Line {
  ManualClock clock;
  asio::io_context io{1};
  TimingWheel wheel{clock, io.get_executor()};
  WaitQueue queue;
};

awaitable<error_code> wait_in(Line& line, Deadline by) {
  Waiter waiter;
  line.queue.push(waiter);
  line.wheel.arm(waiter, by);
  auto [error] = co_await waiter.wait(asio::as_tuple(asio::deferred));
  co_return error;
}

TEST(Waiter, IsWokenInOrderOfArrival) {
  Line line;
  tern::test::Started<error_code> first(line.io, wait_in(line, Deadline::never()));
  tern::test::Started<error_code> second(line.io, wait_in(line, Deadline::never()));
  tern::test::drain(line.io);
  ASSERT_EQ(line.queue.size(), 2U);
  line.queue.pop()->wake();
  tern::test::drain(line.io);
  EXPECT_TRUE(first.ended());
  EXPECT_FALSE(second.ended());
  line.queue.wake_all();
  tern::test::drain(line.io);
  EXPECT_TRUE(second.ended());
  EXPECT_EQ(second.get(), error_code());
}

TEST(Waiter, LeavesTheQueueWhenItsTimeHasCome) {
  Line line;
  tern::test::Started<error_code> waiting(line.io, wait_in(line, Deadline::after(1s, line.clock)));
  tern::test::drain(line.io);
  line.clock.advance(1100ms);
  line.wheel.expire_due();
  EXPECT_TRUE(line.queue.empty());
  tern::test::drain(line.io);
  ASSERT_TRUE(waiting.ended());
  EXPECT_EQ(waiting.get(), errc::timed_out);
}

TEST(Waiter, LeavesTheQueueWhenItIsCancelled) {
  Line line;
  tern::test::Started<error_code> waiting(line.io, wait_in(line, Deadline::never()));
  tern::test::drain(line.io);
  waiting.cancel();
  tern::test::drain(line.io);
  EXPECT_TRUE(line.queue.empty());
  ASSERT_TRUE(waiting.ended());
  waiting.cancel();  // nothing is left to cancel
}

TEST(Waiter, SecondCauseHasNoEffect) {
  Line line;
  tern::test::Started<error_code> waiting(line.io, wait_in(line, Deadline::after(1s, line.clock)));
  tern::test::drain(line.io);
  Waiter* waiter = line.queue.pop();
  waiter->wake();
  waiter->wake(errc::timed_out);
  line.clock.advance(2s);
  line.wheel.expire_due();
  waiting.cancel();
  tern::test::drain(line.io);
  ASSERT_TRUE(waiting.ended());
}

TEST(Waiter, KeepsTheEventLoopRunning) {
  Line line;
  tern::test::Started<error_code> waiting(line.io, wait_in(line, Deadline::never()));
  tern::test::drain(line.io);
  EXPECT_FALSE(line.io.stopped());
  line.queue.wake_all();
  line.io.run();
  EXPECT_TRUE(waiting.ended());
}

TEST(Waiter, IsFreedWhenItsQueueEndsFirst) {
  ManualClock clock;
  asio::io_context io{1};
  auto line = std::make_unique<WaitQueue>();
  TimingWheel wheel(clock, io.get_executor());
  auto wait = [](WaitQueue& queue) -> awaitable<error_code> {
    Waiter waiter;
    queue.push(waiter);
    auto [error] = co_await waiter.wait(asio::as_tuple(asio::deferred));
    co_return error;
  };
  tern::test::Started<error_code> waiting(io, wait(*line));
  tern::test::drain(io);
  line.reset();  // the frame is freed with `io`; LeakSanitizer watches
}

}  // namespace
}  // namespace tern::net
