#include <tern/async/deadline.hpp>
#include <tern/async/manual_clock.hpp>

#include <gtest/gtest.h>

namespace tern {
namespace {

using namespace std::chrono_literals;

TEST(Deadline, IsExpiredFromItsVeryMomentOn) {
  ManualClock clock;
  const Deadline by = Deadline::after(10ms, clock);
  clock.advance(10ms - 1ns);
  EXPECT_FALSE(by.expired(clock));
  EXPECT_EQ(by.remaining(clock), 1ns);
  clock.advance(1ns);
  EXPECT_TRUE(by.expired(clock));
  EXPECT_EQ(by.remaining(clock), 0ns);
  clock.advance(1h);
  EXPECT_EQ(by.remaining(clock), 0ns);
}

TEST(Deadline, NeverIsNeverExpiredAndLastInOrder) {
  const ManualClock clock;
  EXPECT_TRUE(Deadline::never().is_never());
  EXPECT_FALSE(Deadline::never().expired(clock));
  EXPECT_EQ(Deadline::never().remaining(clock), SteadyTime::duration::max());
  EXPECT_LT(Deadline::after(24h * 365 * 100, clock), Deadline::never());
}

TEST(Deadline, ADurationThatOverflowsMeansNever) {
  const ManualClock clock;
  EXPECT_TRUE(Deadline::after(SteadyTime::duration::max(), clock).is_never());
  EXPECT_TRUE(Deadline::after(SteadyTime::duration::min(), clock).expired(clock));
}

TEST(Deadline, MinIsTheEarlier) {
  const ManualClock clock;
  const Deadline soon = Deadline::after(1s, clock);
  const Deadline late = Deadline::after(2s, clock);
  EXPECT_EQ(soon.min(late), soon);
  EXPECT_EQ(late.min(soon), soon);
  EXPECT_EQ(Deadline::never().min(late), late);
}

TEST(Deadline, UsesTheSystemsClockByDefault) {
  EXPECT_TRUE(Deadline::after(0s).expired());
  EXPECT_FALSE(Deadline::after(1h).expired());
}

}  // namespace
}  // namespace tern
