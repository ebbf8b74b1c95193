#include "schedule_state.hpp"

#include <gtest/gtest.h>

namespace tern::detail::pg {

namespace {

using namespace std::chrono_literals;

class FirstDueTest : public ::testing::Test {
 protected:
  WallTime at(std::chrono::seconds seconds) const { return now + seconds; }
  FirstDue::Search begin() { return first.begin(now, moment); }
  void search_all(std::optional<WallTime> found) {
    const auto search = begin();
    EXPECT_EQ(search.from, WallTime::min());
    first.end(search, found);
  }

  FirstDue first;
  const WallTime now = WallTime(std::chrono::hours(500'000));
  SteadyTime moment{1h};
};

}  // namespace

TEST_F(FirstDueTest, ASearchBeginsWhereTheLastOneEnded) {
  EXPECT_EQ(first.bound(), WallTime::min());
  search_all(at(-3600s));
  EXPECT_EQ(first.bound(), at(-3600s));
  EXPECT_EQ(begin().from, at(-3600s));
}

TEST_F(FirstDueTest, StaysBehindTheClock) {
  search_all(at(1000s));
  EXPECT_EQ(first.bound(), at(-60s));
  first.end(begin(), std::nullopt);
  EXPECT_EQ(first.bound(), at(-60s));
  first.enter(at(-1s));  // nothing of the usual lowers it
  EXPECT_EQ(first.bound(), at(-60s));
}

TEST_F(FirstDueTest, WhatIsScheduledForLongAgoLowersIt) {
  search_all(std::nullopt);
  first.enter(at(-7200s));
  EXPECT_EQ(begin().from, at(-7200s));
}

TEST_F(FirstDueTest, WhatASearchMayHaveMissedStays) {
  search_all(std::nullopt);
  const auto search = begin();
  first.enter(at(-7200s));  // committed after the search had read
  first.end(search, std::nullopt);
  EXPECT_EQ(first.bound(), at(-7200s));
}

TEST_F(FirstDueTest, EverythingIsSearchedOnceAMinute) {
  search_all(std::nullopt);
  moment += 59s;
  EXPECT_NE(begin().from, WallTime::min());
  moment += 1s;
  search_all(at(-7200s));  // another process has scheduled that
  EXPECT_EQ(begin().from, at(-7200s));
}

}  // namespace tern::detail::pg
