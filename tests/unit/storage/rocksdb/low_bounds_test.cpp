#include "low_bounds.hpp"

#include <gtest/gtest.h>

namespace tern::detail::rocks {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t slot = 7;

/// The lower bound of one slot, below which nothing is ever looked for.
class LowerBound : public ::testing::Test {
 protected:
  /// A search that finds nothing before `first`.
  void search(WallTime first) {
    bounds.begin_search(slot);
    bounds.end_search(slot, Place{first, 0});
  }
  Place enter(WallTime due) { return bounds.enter(slot, Place{due, ++seq}, now); }
  WallTime low() const { return bounds.low(slot).due; }
  /// The bound that goes to the disk with the batch; nullopt when none does.
  std::optional<WallTime> stored() {
    const auto moved = bounds.take_moved();
    return moved.empty() ? std::nullopt : std::optional(moved.at(0).second.due);
  }

  const WallTime now{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};
  LowBounds bounds;
  std::uint64_t seq = 0;
};

TEST_F(LowerBound, FollowsTheFirstSend) {
  search(now - 60s);
  EXPECT_EQ(low(), now - 60s);
  EXPECT_EQ(stored(), now - 60s);
  search(now - 90s);
  EXPECT_EQ(low(), now - 60s) << "it would meet again what was deleted";
}

TEST_F(LowerBound, WhatIsOverdueStandsAtIt) {
  search(now - 60s);
  EXPECT_EQ(enter(now - 1h).due, now - 60s);
  EXPECT_EQ(enter(now).due, now);
  EXPECT_EQ(low(), now - 60s);
}

// The search cannot see it, and a bound that had passed it would hide it for good.
TEST_F(LowerBound, StaysBehindWhatIsNotOnTheDiskYet) {
  search(now - 2h);
  (void)stored();
  EXPECT_EQ(enter(now - 1h).due, now - 1h);
  search(now - 60s);
  EXPECT_EQ(low(), now - 1h);
  bounds.begin_search(slot);
  EXPECT_EQ(enter(now - 90min).due, now - 1h);
  bounds.end_batch(true);
  bounds.end_search(slot, Place{now - 60s, 0});
  EXPECT_EQ(low(), now - 1h);
  search(now - 60s);
  EXPECT_EQ(low(), now - 60s);
}

TEST_F(LowerBound, ThatAClockAheadHasMovedDelaysNothing) {
  search(now + 24h);
  EXPECT_EQ(stored(), now + 24h);
  bounds.end_batch(true);
  EXPECT_EQ(enter(now + 1h).due, now + 1h);
  EXPECT_EQ(stored(), now + 1h) << "with the send itself";
  bounds.end_batch(true);
  EXPECT_EQ(enter(now - 1h).due, now);
  EXPECT_EQ(low(), now);
}

// Or the next send that lies before it would be on the disk without it.
TEST_F(LowerBound, IsStoredWithTheNextBatchWhenThatOfItsMoveFails) {
  search(now + 24h);
  EXPECT_EQ(stored(), now + 24h);
  bounds.end_batch(true);
  (void)enter(now + 1h);
  EXPECT_EQ(stored(), now + 1h);
  bounds.end_batch(false);
  (void)enter(now + 2h);
  EXPECT_EQ(stored(), now + 1h);
  bounds.end_batch(true);
  EXPECT_EQ(stored(), std::nullopt);
}

}  // namespace
}  // namespace tern::detail::rocks
