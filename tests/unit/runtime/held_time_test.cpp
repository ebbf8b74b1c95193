#include "runtime/held_time.hpp"

#include <gtest/gtest.h>

namespace tern::runtime {
namespace {

using namespace std::chrono_literals;

const SteadyTime start{};

ThreadTimes times(std::chrono::nanoseconds ran, std::chrono::nanoseconds waited, bool blocked) {
  return {ran, waited, blocked};
}

TEST(HeldTime, AHandlerThatRunsHoldsItsThread) {
  HeldTime held;
  held.begin(start, 5ms);
  EXPECT_EQ(held.look(start + 10ms, times(15ms, 0ms, false)), 10ms);
  EXPECT_EQ(held.look(start + 30ms, times(35ms, 0ms, false)), 30ms);
  EXPECT_EQ(held.end(start + 35ms), 35ms);
}

TEST(HeldTime, AHandlerThatIsBlockedHoldsItsThread) {
  HeldTime held;
  held.begin(start, 5ms);
  EXPECT_EQ(held.look(start + 10ms, times(5ms, 0ms, true)), 10ms);
  EXPECT_EQ(held.look(start + 1s, times(5ms, 0ms, true)), 1s);
}

TEST(HeldTime, AThreadThatIsReadyAndGetsNoProcessorIsHeldByNobody) {
  HeldTime held;
  held.begin(start, 5ms);
  EXPECT_EQ(held.look(start + 10ms, times(5ms, 0ms, false)), 0ms);
  EXPECT_EQ(held.look(start + 10s, times(6ms, 0ms, false)), 1ms);
}

TEST(HeldTime, TimeWithoutAProcessorDoesNotCountForOneThatIsBlockedLater) {
  HeldTime held;
  held.begin(start, 0ms);
  held.look(start + 10ms, times(0ms, 100ms, false));
  EXPECT_EQ(held.look(start + 500ms, times(1ms, 585ms, true)), 15ms);
}

// The watchdog had no processor either, and looked late.
TEST(HeldTime, TimeBeforeALateFirstLookDoesNotCountForOneThatIsBlocked) {
  HeldTime held;
  held.begin(start, 0ms);
  EXPECT_EQ(held.look(start + 40ms, times(0ms, 35ms, true)), 10ms);
  EXPECT_EQ(held.look(start + 60ms, times(0ms, 35ms, true)), 30ms);
}

TEST(HeldTime, WhereTheSystemDoesNotTellOfWaitingWhatIsBlockedCounts) {
  HeldTime held;
  held.begin(start, 0ms);
  EXPECT_EQ(held.look(start + 40ms, {0ms, std::nullopt, true}), 40ms);
  EXPECT_EQ(held.look(start + 60ms, {2ms, std::nullopt, false}), 40ms) << "it never shrinks";
}

}  // namespace
}  // namespace tern::runtime
