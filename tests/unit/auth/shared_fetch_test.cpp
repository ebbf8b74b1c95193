#include "auth/shared_fetch.hpp"

#include "support/captured_log.hpp"
#include "support/run.hpp"
#include "support/started.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/error.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using Wait = SharedFetch::Wait;

/// Counts its fetches, which take as long and end as the test says.
class CountedFetch final : public SharedFetch {
 public:
  CountedFetch(executor home, Clock& clock) : SharedFetch({"counted fetch", std::move(home), 10s, 3}, clock) {}

  /// Begins a fetch, if none is under way. Whether it did.
  bool need() {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(wanted_, true)) {
        return false;
      }
    }
    begin();
    return true;
  }

  std::chrono::milliseconds takes{1s};
  std::function<void()> fails;    ///< throws
  std::function<void()> reports;  ///< is called by `report`
  int fetches = 0;
  int successes = 0;
  int failures = 0;
  std::vector<std::string> reported;

 private:
  bool under_way() const noexcept override { return wanted_; }
  awaitable<void> fetch(Deadline by) override {
    ++fetches;
    EXPECT_EQ(by, Deadline::after(10s, clock_));
    co_await sleep_for(takes, clock_);
    if (fails) {
      fails();
    }
  }
  void succeeded() noexcept override {
    ++successes;
    wanted_ = false;
  }
  void failed(const std::exception_ptr& /*error*/) noexcept override {
    ++failures;
    wanted_ = false;
  }
  void report(const std::exception_ptr& error) override {
    if (reports) {
      reports();
    }
    try {
      if (error) {
        std::rethrow_exception(error);
      }
      reported.emplace_back("well");
    } catch (const std::exception& e) {
      reported.emplace_back(e.what());
    }
  }

  bool wanted_ = false;
};

class SharedFetchTest : public testing::Test {
 protected:
  tern::test::Started<Wait> wait(std::chrono::milliseconds at_most = 1min) {
    tern::test::Started<Wait> started(io, SharedFetch::wait(fetch, at_most));
    tern::test::drain(io);
    return started;
  }
  void pass(SteadyTime::duration time) {
    clock.advance(time);
    tern::test::drain(io);
  }

  ManualClock clock;
  asio::io_context io{1};
  std::shared_ptr<CountedFetch> fetch = std::make_shared<CountedFetch>(io.get_executor(), clock);
};

TEST_F(SharedFetchTest, NobodyWaitsWhenNoneIsUnderWay) {
  EXPECT_EQ(wait().get(), Wait::ended);
}

TEST_F(SharedFetchTest, AllWaitForOneFetchAndThereIsAnotherAfterIt) {
  EXPECT_TRUE(fetch->need());
  EXPECT_FALSE(fetch->need());
  auto a = wait();
  auto b = wait();
  EXPECT_FALSE(a.ended());
  pass(1s);
  EXPECT_EQ(a.get(), Wait::ended);
  EXPECT_EQ(b.get(), Wait::ended);
  EXPECT_EQ(fetch->fetches, 1);
  EXPECT_EQ(fetch->successes, 1);
  EXPECT_TRUE(fetch->need());
  tern::test::drain(io);
  pass(1s);
  EXPECT_EQ(fetch->successes, 2);
  EXPECT_EQ(fetch->reported, std::vector<std::string>(2, "well"));
}

TEST_F(SharedFetchTest, AWaitHasABoundInTimeAndInNumber) {
  fetch->need();
  auto a = wait(300ms);
  auto b = wait();
  auto c = wait();
  EXPECT_EQ(wait().get(), Wait::full);
  pass(300ms);
  EXPECT_EQ(a.get(), Wait::late);
  auto d = wait();
  EXPECT_FALSE(d.ended()) << "a place is free again";
  pass(700ms);
  EXPECT_EQ(d.get(), Wait::ended);
  EXPECT_EQ(c.get(), Wait::ended);
}

TEST_F(SharedFetchTest, AFetchThatThrowsOrHangsHasFailed) {
  fetch->fails = [] { throw std::runtime_error("broken"); };
  fetch->need();
  auto a = wait();
  pass(1s);
  EXPECT_EQ(a.get(), Wait::ended);
  EXPECT_EQ(fetch->failures, 1);
  EXPECT_EQ(fetch->reported.back(), "broken");
  fetch->takes = 1h;
  fetch->need();
  auto b = wait();
  pass(10s);
  EXPECT_EQ(b.get(), Wait::ended);
  EXPECT_EQ(fetch->failures, 2);
  EXPECT_EQ(fetch->reported.size(), 2U);
}

TEST_F(SharedFetchTest, AReportThatThrowsIsDropped) {
  const tern::test::CapturedLog log;
  fetch->reports = [] { throw std::runtime_error("no memory for the log"); };
  fetch->need();
  auto a = wait();
  pass(1s);
  EXPECT_EQ(a.get(), Wait::ended);
  EXPECT_EQ(fetch->successes, 1);
  EXPECT_TRUE(fetch->need());
}

TEST_F(SharedFetchTest, AClosedOneEndsItsFetchAndBeginsNoOther) {
  fetch->need();
  auto a = wait();
  fetch->close();
  tern::test::drain(io);
  EXPECT_EQ(a.get(), Wait::ended);
  EXPECT_EQ(fetch->failures, 1);
  EXPECT_TRUE(fetch->need());
  EXPECT_EQ(fetch->fetches, 1);
  EXPECT_EQ(fetch->failures, 2) << "it has failed at once";
}

TEST_F(SharedFetchTest, ACancelledWaitLeavesTheFetchToTheOthers) {
  fetch->need();
  auto a = wait();
  auto b = wait();
  a.cancel();
  tern::test::drain(io);
  EXPECT_EQ(a.code(), asio::error::operation_aborted);
  pass(1s);
  EXPECT_EQ(b.get(), Wait::ended);
}

TEST_F(SharedFetchTest, AFetchWhoseContextIsDestroyedHasFailedAndWakesOthers) {
  for (const bool begun : {false, true}) {
    auto home = std::make_unique<asio::io_context>(1);
    fetch = std::make_shared<CountedFetch>(home->get_executor(), clock);
    fetch->need();
    auto a = wait();
    if (begun) {
      tern::test::drain(*home);
    }
    EXPECT_FALSE(a.ended());
    home.reset();
    tern::test::drain(io);
    EXPECT_EQ(a.get(), Wait::ended);
    EXPECT_EQ(fetch->fetches, begun ? 1 : 0);
    EXPECT_EQ(fetch->failures, 1);
    EXPECT_EQ(fetch->reported, std::vector<std::string>()) << "nothing is known";
  }
}

TEST_F(SharedFetchTest, IsWaitedForOnOtherThreads) {
  fetch->need();
  asio::io_context other{1};
  tern::test::Started<Wait> a(other, SharedFetch::wait(fetch, 1min));
  tern::test::drain(other);
  tern::test::drain(io);
  std::thread thread([&] {
    other.restart();
    other.run();
  });
  pass(1s);
  thread.join();
  EXPECT_EQ(a.get(), Wait::ended);
}

TEST(SharedFetchLifetime, EverythingMayBeDestroyedAtAnyMoment) {
  const tern::test::CapturedLog log;
  ManualClock clock;
  struct Scenario {
    Scenario(asio::io_context& io, ManualClock& time)
        : clock(time), fetch(std::make_shared<CountedFetch>(io.get_executor(), time)) {
      fetch->need();
      for (int i = 0; i < 3; ++i) {
        waits.emplace_back(io, SharedFetch::wait(fetch, 1min));
      }
    }
    bool advance() {
      const bool more = clock.waiting() > 0;
      clock.advance(1s);
      return more;
    }
    ManualClock& clock;
    std::shared_ptr<CountedFetch> fetch;
    std::vector<tern::test::Started<Wait>> waits;
  };
  tern::test::destroy_after_every_n_handlers(
      [&](asio::io_context& io) { return std::make_unique<Scenario>(io, clock); });
}

}  // namespace
}  // namespace tern::auth
