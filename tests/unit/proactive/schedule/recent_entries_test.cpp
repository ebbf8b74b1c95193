#include "proactive/schedule/recent_entries.hpp"

#include <gtest/gtest.h>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

DueEntry entry(std::uint8_t id, std::uint32_t generation = 0, std::uint16_t attempt = 0) {
  DueEntry made;
  made.id[0] = id;
  made.generation = generation;
  made.attempt = attempt;
  return made;
}

TEST(RecentEntries, KnowsWhatCameAndNothingElse) {
  RecentEntries recent;
  const SteadyTime now{1h};
  recent.add(entry(1), now);
  EXPECT_TRUE(recent.came_again(entry(1)));
  EXPECT_FALSE(recent.came_again(entry(2)));
  EXPECT_FALSE(recent.came_again(entry(1, 1))) << "it was edited";
  EXPECT_FALSE(recent.came_again(entry(1, 0, 1))) << "it is tried again";
}

TEST(RecentEntries, RemembersForItsTimeAndNotForMuchLonger) {
  RecentEntries recent;
  SteadyTime now{1h};
  recent.add(entry(1), now);
  now += RecentEntries::kept;
  recent.add(entry(2), now);
  EXPECT_TRUE(recent.came_again(entry(1)));
  now += RecentEntries::kept;
  recent.add(entry(3), now);
  EXPECT_FALSE(recent.came_again(entry(1)));
  EXPECT_TRUE(recent.came_again(entry(2)));
  recent.add(entry(4), now + 1h);
  EXPECT_FALSE(recent.came_again(entry(3)));
  EXPECT_EQ(recent.size(), 1U);
}

TEST(RecentEntries, ForgetsWithinTwiceItsTimeHoweverOthersCome) {
  RecentEntries recent;
  const SteadyTime now{1h};
  recent.add(entry(1), now);
  recent.add(entry(2), now + 2 * RecentEntries::kept - 1ms);
  recent.add(entry(3), now + 2 * RecentEntries::kept);
  EXPECT_FALSE(recent.came_again(entry(1)));
  EXPECT_TRUE(recent.came_again(entry(2)));
  EXPECT_EQ(recent.size(), 2U);
}

TEST(RecentEntries, ForgetsWhatTheStoreHadNothingFor) {
  RecentEntries recent;
  const SteadyTime now{1h};
  recent.add(entry(1), now);
  EXPECT_FALSE(recent.forget(entry(1)));
  EXPECT_FALSE(recent.came_again(entry(1))) << "what comes now is new";
  recent.add(entry(1), now);
  EXPECT_TRUE(recent.came_again(entry(1)));
  EXPECT_TRUE(recent.forget(entry(1))) << "the one that came meanwhile counts";
  EXPECT_FALSE(recent.forget(entry(1)));
}

}  // namespace
}  // namespace tern::proactive
