#include "proactive/schedule/slot_leases.hpp"

#include <tern/async/manual_clock.hpp>

#include <gtest/gtest.h>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

class SlotLeasesTest : public ::testing::Test {
 protected:
  SlotLease lease(std::uint16_t slot, std::uint64_t epoch) const {
    return {slot, epoch, clock.now() + 6s, clock.asleep()};
  }
  static DueEntry entry(std::uint16_t slot, std::uint64_t epoch) {
    DueEntry entry;
    entry.slot = slot;
    entry.epoch = epoch;
    return entry;
  }

  ManualClock clock;
  SlotLeases slots{clock};
};

TEST_F(SlotLeasesTest, SaysWhatWasTakenAndWhatWasDropped) {
  auto change = slots.own({lease(1, 7), lease(2, 7)});
  EXPECT_EQ(change.taken, SlotSet(0b110));
  EXPECT_TRUE(change.dropped.none());
  change = slots.own({lease(2, 7), lease(3, 7)});
  EXPECT_EQ(change.taken, SlotSet(0b1000));
  EXPECT_EQ(change.dropped, SlotSet(0b10));
  EXPECT_FALSE(slots.holds(1));
  EXPECT_TRUE(slots.holds(2));
  change = slots.own({lease(2, 7), lease(3, 7)});
  EXPECT_TRUE((change.taken | change.dropped).none()) << "the leases were renewed";
}

// Another owner had the slot between two leases: what was asked of the store before does not count.
TEST_F(SlotLeasesTest, ASlotOfAnotherEpochIsTakenAnew) {
  slots.own({lease(1, 7)});
  const auto taken = slots.times_taken(1);
  EXPECT_EQ(slots.own({lease(1, 9)}).taken, SlotSet(0b10));
  EXPECT_EQ(slots.times_taken(1), taken + 1);
  EXPECT_FALSE(slots.is_still_mine(entry(1, 7)));
  EXPECT_TRUE(slots.is_still_mine(entry(1, 9)));
}

TEST_F(SlotLeasesTest, ALeaseIsGoodUntilAMarginBeforeItsEnd) {
  slots.own({lease(1, 7)});
  clock.advance(4900ms);
  EXPECT_TRUE(slots.is_good(1));
  EXPECT_TRUE(slots.are_good());
  clock.advance(100ms);
  EXPECT_FALSE(slots.is_good(1));
  EXPECT_FALSE(slots.are_good());
  EXPECT_FALSE(slots.is_good(2)) << "it was never held";
}

TEST_F(SlotLeasesTest, ALeaseGoesOnWhileTheMachineIsSuspended) {
  slots.own({lease(1, 7)});
  clock.suspend(10s);
  EXPECT_FALSE(slots.is_good(1));
}

TEST_F(SlotLeasesTest, WhatIsSaidOfASendIsSaidUnderTheLeaseOfItsRecord) {
  slots.own({lease(1, 7)});
  slots.own({lease(1, 9)});
  EXPECT_EQ(slots.lease_of(entry(1, 7)).epoch, 7u);
}

}  // namespace
}  // namespace tern::proactive
