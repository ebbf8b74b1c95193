#include <tern/async/manual_clock.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "async/timing_wheel.hpp"
#include "scenario.hpp"
#include "support/run.hpp"

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::drain;
using test::Spawned;
using testing::ElementsAre;

class Probe final : public TimingWheel::Entry {
 public:
  explicit Probe(std::function<void(Probe&)> fired = {}) : fired_(std::move(fired)) {}
  ~Probe() override = default;

  int count = 0;

 private:
  void on_expired() noexcept override {
    ++count;
    EXPECT_FALSE(armed());
    if (fired_) {
      fired_(*this);
    }
  }

  std::function<void(Probe&)> fired_;
};

class TimingWheelTest : public testing::Test {
 protected:
  static constexpr SteadyTime::duration tick = TimingWheel::tick;

  Deadline in(SteadyTime::duration duration) { return Deadline::after(duration, clock_); }

  void advance(SteadyTime::duration duration) {
    clock_.advance(duration);
    wheel_.expire_due();
  }

  ManualClock clock_;
  asio::io_context io_{1};
  TimingWheel wheel_{clock_, io_.get_executor()};
};

TEST_F(TimingWheelTest, FiresNeverEarlyAndAtMostOneTickLate) {
  std::mt19937 random(20'260'101);
  std::uniform_int_distribution<std::int64_t> nanoseconds(0, std::chrono::nanoseconds(80s).count());
  struct Timed {
    Deadline by = Deadline::never();
    std::optional<SteadyTime> fired;
    std::unique_ptr<Probe> probe;
  };
  std::vector<Timed> all(2000);
  for (Timed& one : all) {
    one.by = in(std::chrono::nanoseconds(nanoseconds(random)));
    one.probe = std::make_unique<Probe>([&one, this](Probe&) { one.fired = clock_.now(); });
    wheel_.arm(*one.probe, one.by);
  }
  for (int i = 0; i < 90'000; ++i) {
    advance(1ms);
  }
  for (const Timed& one : all) {
    ASSERT_TRUE(one.fired);
    EXPECT_GE(*one.fired, one.by.when());
    EXPECT_LE(*one.fired, one.by.when() + tick);
  }
}

TEST_F(TimingWheelTest, DisarmedAndNeverDoNotFire) {
  Probe one;
  Probe two;
  wheel_.arm(one, in(1s));
  wheel_.arm(two, in(1s));
  EXPECT_TRUE(one.armed());
  wheel_.disarm(one);
  wheel_.arm(two, Deadline::never());
  EXPECT_FALSE(one.armed());
  EXPECT_FALSE(two.armed());
  wheel_.disarm(one);
  advance(1h);
  EXPECT_EQ(one.count + two.count, 0);
}

TEST_F(TimingWheelTest, ArmingAgainMovesTheDeadline) {
  Probe probe;
  wheel_.arm(probe, in(1s));
  wheel_.arm(probe, in(3s));
  advance(2s);
  EXPECT_EQ(probe.count, 0);
  wheel_.arm(probe, in(100ms));
  advance(150ms);
  EXPECT_EQ(probe.count, 1);
  advance(1h);
  EXPECT_EQ(probe.count, 1);
}

TEST_F(TimingWheelTest, DestroyingAnArmedEntryDisarmsIt) {
  {
    Probe probe;
    wheel_.arm(probe, in(1s));
  }
  advance(2s);
}

TEST_F(TimingWheelTest, DestroyingTheWheelDisarmsItsEntries) {
  Probe probe;
  {
    TimingWheel wheel(clock_, io_.get_executor());
    wheel.arm(probe, in(1s));
  }
  EXPECT_FALSE(probe.armed());
}

TEST_F(TimingWheelTest, EntriesBeyondARevolutionGoRoundAgain) {
  Probe soon;
  Probe later;
  Probe much_later;
  wheel_.arm(soon, in(1s));
  wheel_.arm(later, in(1s + 512 * tick));
  wheel_.arm(much_later, in(1s + 3 * 512 * tick));
  advance(1s);
  EXPECT_EQ(soon.count, 1);
  EXPECT_EQ(later.count, 0);
  for (int i = 0; i < 512; ++i) {
    advance(tick);
  }
  EXPECT_EQ(later.count, 1);
  EXPECT_EQ(much_later.count, 0);
  for (int i = 0; i < 2 * 512; ++i) {
    EXPECT_EQ(much_later.count, 0);
    advance(tick);
  }
  EXPECT_EQ(much_later.count, 1);
}

TEST_F(TimingWheelTest, CatchesUpAfterALongStallInOrderOfSlots) {
  std::vector<int> order;
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 10; ++i) {
    probes.push_back(std::make_unique<Probe>([&order, i](Probe&) { order.push_back(i); }));
  }
  for (const int i : {7, 3, 9, 0, 1, 8, 2, 6, 4, 5}) {
    wheel_.arm(*probes[static_cast<std::size_t>(i)], in((i + 1) * 1s));
  }
  Probe far;
  wheel_.arm(far, in(1h + 10min));
  advance(1h);  // many revolutions
  EXPECT_EQ(order.size(), 10U);
  EXPECT_EQ(far.count, 0);
  EXPECT_TRUE(far.armed());
  advance(10min + tick);
  EXPECT_EQ(far.count, 1);

  order.clear();
  for (const int i : {2, 0, 1}) {
    wheel_.arm(*probes[static_cast<std::size_t>(i)], in((i + 1) * 1s));
  }
  advance(20s);  // less than one
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST_F(TimingWheelTest, ADeadlineThatHasPassedFiresAtTheNextTick) {
  Probe probe;
  wheel_.arm(probe, in(-1h));
  wheel_.expire_due();
  EXPECT_EQ(probe.count, 0);
  advance(tick);
  EXPECT_EQ(probe.count, 1);
  wheel_.arm(probe, Deadline::at(SteadyTime::min()));
  advance(tick);
  EXPECT_EQ(probe.count, 2);
}

TEST_F(TimingWheelTest, AnEntryThatRearmsItselfInThePastFiresOncePerCall) {
  Probe probe([this](Probe& self) { wheel_.arm(self, Deadline::at(SteadyTime{})); });
  wheel_.arm(probe, in(1s));
  advance(1h);
  EXPECT_EQ(probe.count, 1);
  advance(tick);
  EXPECT_EQ(probe.count, 2);
}

TEST_F(TimingWheelTest, OnExpiredMayDestroyDisarmAndMoveOthersOfItsSlot) {
  // All in one slot. Whichever fires first takes the rest away.
  int fired = 0;
  std::vector<std::unique_ptr<Probe>> probes;
  Probe moved;
  Probe disarmed;
  probes.push_back(std::make_unique<Probe>([&](Probe&) {
    ++fired;
    wheel_.arm(moved, in(10s));
    wheel_.disarm(disarmed);
    probes.clear();  // itself, too
  }));
  for (int i = 0; i < 5; ++i) {
    probes.push_back(std::make_unique<Probe>([&](Probe&) { ++fired; }));
  }
  for (const auto& probe : probes) {
    wheel_.arm(*probe, in(1s));
  }
  wheel_.arm(moved, in(1s));
  wheel_.arm(disarmed, in(1s));
  advance(2s);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(moved.count, 0);
  EXPECT_EQ(disarmed.count, 0);
  advance(10s);
  EXPECT_EQ(moved.count, 1);
}

TEST_F(TimingWheelTest, RunFiresByItself) {
  Probe probe;
  const Spawned running(io_, wheel_.run());
  wheel_.arm(probe, in(1s));
  drain(io_);
  clock_.advance(1s - 1ns);
  drain(io_);
  EXPECT_EQ(probe.count, 0);
  clock_.advance(tick);
  drain(io_);
  EXPECT_EQ(probe.count, 1);
}

TEST_F(TimingWheelTest, RunSleepsWithoutATimerWhileNothingIsArmed) {
  const Spawned running(io_, wheel_.run());
  drain(io_);
  EXPECT_EQ(clock_.next_due(), SteadyTime::max());
  clock_.advance(1h);
  EXPECT_EQ(drain(io_), 0U);

  Probe probe;
  wheel_.arm(probe, in(1s));
  drain(io_);
  EXPECT_LE(clock_.next_due(), clock_.now() + 1s + tick);
  clock_.advance(1s + tick);
  drain(io_);
  EXPECT_EQ(probe.count, 1);
  EXPECT_EQ(clock_.next_due(), SteadyTime::max());
}

TEST_F(TimingWheelTest, RunIsWokenOnlyByAnEarlierEntry) {
  const Spawned running(io_, wheel_.run());
  drain(io_);
  Probe first;
  Probe later;
  Probe earlier;
  wheel_.arm(first, in(10s));
  drain(io_);
  wheel_.arm(later, in(20s));
  EXPECT_EQ(drain(io_), 0U);
  wheel_.arm(earlier, in(1s));
  EXPECT_GT(drain(io_), 0U);
  clock_.advance(1s + tick);
  drain(io_);
  EXPECT_EQ(earlier.count, 1);
  EXPECT_EQ(first.count, 0);
}

TEST_F(TimingWheelTest, EntriesThatAreDisarmedAtOnceWakeRunOnce) {
  const Spawned running(io_, wheel_.run());
  drain(io_);
  Probe first;
  wheel_.arm(first, in(10s));
  wheel_.disarm(first);
  EXPECT_GT(drain(io_), 0U);
  clock_.advance(1s);
  Probe second;
  wheel_.arm(second, in(10s));
  wheel_.disarm(second);
  EXPECT_EQ(drain(io_), 0U) << "it sleeps until the time of the first one";
  Probe earlier;
  wheel_.arm(earlier, in(1s));
  drain(io_);
  clock_.advance(1s + tick);
  drain(io_);
  EXPECT_EQ(earlier.count, 1);
  clock_.advance(1h);
  drain(io_);
  EXPECT_EQ(clock_.next_due(), SteadyTime::max());
  EXPECT_EQ(first.count + second.count, 0);
}

TEST_F(TimingWheelTest, AnIdleWheelFiresAtOnceWhatIsAlreadyDue) {
  const Spawned running(io_, wheel_.run());
  drain(io_);
  clock_.advance(1h);  // the wheel has not looked at the clock since
  Probe probe;
  wheel_.arm(probe, in(-1min));
  drain(io_);
  EXPECT_EQ(probe.count, 1);
}

TEST_F(TimingWheelTest, StopEndsRun) {
  Probe probe;
  wheel_.arm(probe, in(1s));
  const Spawned running(io_, wheel_.run());
  drain(io_);
  EXPECT_FALSE(running.ended());
  wheel_.stop();
  drain(io_);
  EXPECT_TRUE(running.ended());
  EXPECT_FALSE(running.failed());
  EXPECT_TRUE(probe.armed());
}

TEST_F(TimingWheelTest, CancellationEndsRunAndTheWheelStaysUsable) {
  Spawned running(io_, wheel_.run());
  drain(io_);
  running.cancel();
  drain(io_);
  EXPECT_EQ(running.code(), asio::error::operation_aborted);
  Probe probe;
  wheel_.arm(probe, in(1s));
  advance(2s);
  EXPECT_EQ(probe.count, 1);
}

TEST_F(TimingWheelTest, DestroyingTheWheelEndsRun) {
  std::optional<TimingWheel> wheel(std::in_place, clock_, io_.get_executor());
  const Spawned running(io_, wheel->run());
  drain(io_);
  wheel.reset();
  drain(io_);
  EXPECT_TRUE(running.ended());
  EXPECT_FALSE(running.failed());
}

TEST_F(TimingWheelTest, SurvivesDestructionAfterEveryHandler) {
  struct Scenario {
    ManualClock& clock;
    std::unique_ptr<TimingWheel> wheel;
    std::vector<std::unique_ptr<Probe>> probes;
    Spawned running;
    bool advance() { return test::move_to_next(clock); }
  };
  int fired = 0;
  test::destroy_after_every_n_handlers([&](asio::io_context& io) {
    fired = 0;
    auto wheel = std::make_unique<TimingWheel>(clock_, io.get_executor());
    TimingWheel& on = *wheel;
    std::vector<std::unique_ptr<Probe>> probes;
    for (int i = 0; i < 4; ++i) {
      probes.push_back(std::make_unique<Probe>([&fired, &on](Probe&) {
        if (++fired == 4) {
          on.stop();
        }
      }));
      on.arm(*probes.back(), in(i * 10s));
    }
    Spawned running(io, on.run());
    return Scenario{clock_, std::move(wheel), std::move(probes), std::move(running)};
  });
  EXPECT_EQ(fired, 4);
}

}  // namespace
}  // namespace tern
