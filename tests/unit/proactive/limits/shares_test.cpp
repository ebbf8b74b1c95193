#include "proactive/limits/shares.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <utility>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using End = Shares::End;

constexpr std::size_t places = 256;
const SteadyTime start{std::chrono::hours(1)};

class SharesTest : public ::testing::Test {
 protected:
  bool may_begin(std::uint64_t host) { return shares.ask(host, now).at <= now; }
  bool begin(std::uint64_t host) {
    if (!may_begin(host)) {
      return false;
    }
    shares.begun(host, now);
    return true;
  }
  /// As many as may.
  std::size_t begin_all(std::uint64_t host) {
    std::size_t count = 0;
    while (begin(host)) {
      ++count;
    }
    return count;
  }
  /// Lets a host answer, so that it is known.
  void know(std::uint64_t host, std::uint32_t answers = Shares::well_known_after) {
    for (std::uint32_t i = 0; i < answers; ++i) {
      ASSERT_TRUE(begin(host));
      shares.ended(host, now, now, End::answered);
    }
    now += 1ms;
  }
  void end_all(std::uint64_t host, std::size_t count, SteadyTime begun, End end) {
    for (std::size_t i = 0; i < count; ++i) {
      shares.ended(host, begun, now, end);
    }
  }

  Shares shares{Shares::of_hosts(places)};
  SteadyTime now = start;
};

TEST_F(SharesTest, AHostThatAnswersLeavesPlacesForAnother) {
  know(1);
  know(2);
  const auto first = begin_all(1);
  EXPECT_GE(first, places / 2);
  EXPECT_GE(begin_all(2), places / 8);
}

TEST_F(SharesTest, AHostThatIsQuickHasMoreUntilItIsNot) {
  constexpr std::size_t others = places - places / 4;
  know(1);
  EXPECT_EQ(begin_all(1), others / 6 * 5);
  now += 2 * Shares::quick;
  know(2);
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(begin(2));
    now += 2 * Shares::quick;
    shares.ended(2, now - 2 * Shares::quick, now, End::answered);
  }
  end_all(1, others / 6 * 5, start + 1ms, End::answered);
  EXPECT_EQ(begin_all(2), others / 4 * 3) << "its answers take longer";
}

TEST_F(SharesTest, HostsThatHaveNotAnsweredYetHaveFewTogether) {
  know(1000);
  std::size_t count = 0;
  for (std::uint64_t host = 1; host < 500; ++host) {
    const auto each = begin_all(host);
    EXPECT_LE(each, places / 64);
    count += each;
  }
  EXPECT_EQ(count, places / 8);
  EXPECT_GE(begin_all(1000), places / 2);
}

TEST_F(SharesTest, AHostThatHangsIsCutOffAndTriedLessAndLessOften) {
  know(1);
  ASSERT_TRUE(begin(1));
  auto begun = now;
  now += 15s;
  EXPECT_TRUE(shares.ended(1, begun, now, End::unanswered).opened);
  EXPECT_EQ(shares.open(), 1u);
  SteadyTime::duration rest{};
  for (int i = 0; i < 10; ++i) {
    const auto at = shares.ask(1, now).at;
    EXPECT_GT(at, now);
    EXPECT_GE(at - now, rest);
    rest = at - now;
    now = at;
    ASSERT_EQ(begin_all(1), 1u) << "one tries it";
    begun = now;
    now += 15s;
    EXPECT_FALSE(shares.ended(1, begun, now, End::unanswered).opened);
  }
  EXPECT_EQ(rest, Shares::longest_rest);
  now = shares.ask(1, now).at;
  ASSERT_TRUE(begin(1));
  EXPECT_TRUE(shares.ended(1, now, now, End::answered).closed);
  EXPECT_EQ(shares.open(), 0u);
  const auto few = begin_all(1);
  EXPECT_LE(few, places / 64) << "one answer is no proof";
  end_all(1, few, now, End::answered);
  know(1);
  EXPECT_GE(begin_all(1), places / 2);
}

TEST_F(SharesTest, AHostThatHasAnsweredALittleHasAnEighth) {
  know(1, Shares::known_after);
  EXPECT_EQ(begin_all(1), places / 8);
  for (std::uint64_t host = 2; host < 20; ++host) {
    know(host, Shares::known_after - 1);
  }
  EXPECT_GE(begin_all(2), 1u);
}

TEST_F(SharesTest, OneThatIsLostAmongManyAnswersCutsNobodyOff) {
  know(1);
  ASSERT_TRUE(begin(1));
  const auto lost = now;
  for (int i = 0; i < 20; ++i) {
    now += 500ms;
    know(1);
  }
  now = lost + 15s;
  EXPECT_FALSE(shares.ended(1, lost, now, End::unanswered).opened);
  EXPECT_TRUE(may_begin(1));
}

TEST_F(SharesTest, AHostWhoseSendsAllWaitGetsNoMoreUntilItAnswersOne) {
  know(1);
  ASSERT_TRUE(begin(1));
  const auto begun = now;
  now += Shares::slow_after;
  EXPECT_FALSE(may_begin(1));
  shares.ended(1, begun, now, End::answered);
  EXPECT_TRUE(may_begin(1));
}

// The first of them fill what they may, and are cut off only 15 s later.
TEST_F(SharesTest, HostsThatStopAllAtOnceHoldTheOthersForASecondAtMost) {
  constexpr std::uint64_t hosts = 500;
  know(1000, 64);
  for (std::uint64_t host = 1; host <= hosts; ++host) {
    know(host);
  }
  for (std::uint64_t host = 1; host <= hosts; ++host) {
    begin_all(host);
  }
  EXPECT_FALSE(may_begin(1000));
  now += Shares::slow_after;
  EXPECT_EQ(begin_all(1), 0u);
  EXPECT_GE(begin_all(1000), places / 8);
}

// However many come one after the other: what they hold is bounded, slow or not.
TEST_F(SharesTest, NewHostsThatHangLeaveThePlacesOfOthersForAsLongAsTheyCome) {
  know(1'000'000);
  std::uint64_t host = 0;
  std::size_t under_way = 0;
  std::deque<std::pair<std::uint64_t, SteadyTime>> sent;
  for (int second = 0; second < 120; ++second) {
    for (int i = 0; i < 200; ++i) {
      if (begin(++host)) {
        sent.emplace_back(host, now);
      }
    }
    under_way = std::max(under_way, sent.size());
    now += 1s;
    while (!sent.empty() && sent.front().second + 15s <= now) {
      shares.ended(sent.front().first, sent.front().second, now, End::unanswered);
      sent.pop_front();
    }
    const auto healthy = begin_all(1'000'000);
    EXPECT_GE(healthy, places / 2) << second;
    end_all(1'000'000, healthy, now, End::answered);
  }
  EXPECT_LE(under_way, places / 4 + places / 16);
  EXPECT_GT(host, sent.size());
}

// Each answers a little, and stops: none of them holds up one that has answered all along.
TEST_F(SharesTest, HostsThatAnswerALittleAndStopLeavePlacesForOneThatAnswersAllTheTime) {
  know(1'000'000, 5'000);
  for (std::uint64_t host = 1; host <= 500; ++host) {
    know(host, Shares::known_after);
  }
  for (int second = 0; second < 15; ++second) {
    for (std::uint64_t host = 1; host <= 500; ++host) {
      if (second > 0 || host <= 100) {
        begin(host);
      }
    }
    now += 1s;
    const auto healthy = begin_all(1'000'000);
    EXPECT_GE(healthy, places / 16) << second;
    end_all(1'000'000, healthy, now, End::answered);
  }
}

TEST_F(SharesTest, AQuickHostThatHasTheMostSaysHowManyMoreItMayBegin) {
  EXPECT_EQ(shares.room_of_busiest(now), 4u) << "whoever comes first is new";
  begin_all(2);
  EXPECT_EQ(shares.room_of_busiest(now), 0u) << "it may yet be quick";
  now += 200ms;
  EXPECT_FALSE(shares.room_of_busiest(now));
  know(1);
  const auto begun = now;
  const auto count = begin_all(1);
  EXPECT_EQ(shares.room_of_busiest(now), 0u);
  shares.ended(1, begun, now, End::answered);
  EXPECT_EQ(shares.room_of_busiest(now), 1u);
  now += 200ms;
  EXPECT_FALSE(shares.room_of_busiest(now)) << "nobody knows when it will answer";
  end_all(1, count - 1, begun, End::answered);
  EXPECT_FALSE(shares.room_of_busiest(now)) << "it was slow";
  know(1, 64);
  EXPECT_TRUE(shares.room_of_busiest(now));
}

TEST_F(SharesTest, ATenantMayHaveHalfOfThePlacesAndIsNotDoubtedWhenItIsNew) {
  Shares tenants(Shares::of_tenants(places));
  std::size_t count = 0;
  for (; tenants.ask(1, now).at <= now; ++count) {
    tenants.begun(1, now);
  }
  EXPECT_EQ(count, places / 2);
  for (std::uint64_t tenant = 2; tenant < 50; ++tenant) {
    EXPECT_LE(tenants.ask(tenant, now).at, now);
    tenants.begun(tenant, now);
  }
}

TEST_F(SharesTest, ThoseThatDoNotAnswerAreForgottenFirstWhenTooManyAreKnown) {
  know(1'000'000);
  for (std::uint64_t host = 1; host <= 100'000; ++host) {
    shares.ask(host, now);
  }
  EXPECT_LE(shares.size(), Shares::most_remembered);
  EXPECT_TRUE(shares.knows(1'000'000));
  EXPECT_GE(begin_all(1'000'000), places / 2);
}

TEST_F(SharesTest, TriesOfAllThatAreCutOffHaveFewPlaces) {
  constexpr std::uint64_t hosts = 500;
  know(1000);
  for (std::uint64_t host = 1; host <= hosts; ++host) {
    know(host);
    ASSERT_TRUE(begin(host));
    const auto begun = now;
    now += 1ms;
    shares.ended(host, begun, now, End::unanswered);
  }
  EXPECT_EQ(shares.open(), hosts);
  now += 2min;
  std::size_t tried = 0;
  for (std::uint64_t host = 1; host <= hosts; ++host) {
    tried += begin_all(host);
  }
  EXPECT_EQ(tried, places / 16);
  now += Shares::slow_after;
  EXPECT_GE(begin_all(1000), places / 2);
}

TEST_F(SharesTest, WhatWasCutHereSaysNothingOfTheHost) {
  know(1);
  ASSERT_TRUE(begin(1));
  shares.ended(1, now, now + 1ms, End::unknown);
  EXPECT_EQ(shares.open(), 0u);
  EXPECT_TRUE(may_begin(1));
}

TEST(SharesOfFewPlaces, ShutNobodyOut) {
  for (std::size_t few = 1; few < 10; ++few) {
    Shares shares(Shares::of_hosts(few));
    for (std::uint64_t host = 1; host < 5; ++host) {
      EXPECT_LE(shares.ask(host, start).at, start) << few;
      shares.begun(host, start);
      shares.ended(host, start, start, End::answered);
    }
    std::size_t count = 0;
    while (shares.ask(1, start).at <= start) {
      shares.begun(1, start);
      ++count;
    }
    EXPECT_GE(count, 1u);
    EXPECT_LE(count, few);
  }
}

TEST_F(SharesTest, HostsAreForgottenWhenTheyHaveNothingToDo) {
  for (std::uint64_t host = 1; host <= 10'000; ++host) {
    if (begin(host)) {
      shares.ended(host, now, now, host % 2 == 0 ? End::answered : End::unanswered);
    }
    now += 1s;
  }
  EXPECT_LT(shares.size(), 3'000u);
  EXPECT_LE(shares.open(), shares.size());
}

// Whatever happens, the places are not exceeded, and when all has ended all may begin again.
TEST_F(SharesTest, CountsWhatIsUnderWayWhateverComes) {
  std::mt19937 random(20261128);
  struct Sent {
    std::uint64_t host;
    SteadyTime begun;
  };
  std::vector<Sent> under_way;
  for (int step = 0; step < 50'000; ++step) {
    now += std::chrono::milliseconds(random() % 40);
    const std::uint64_t host = 1 + random() % 40;
    if (random() % 2 == 0 && begin(host)) {
      under_way.push_back({host, now});
    } else if (!under_way.empty()) {
      const auto i = random() % under_way.size();
      const auto sent = under_way[i];
      under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(i));
      shares.ended(sent.host, sent.begun, now, static_cast<End>(random() % 3));
    }
    ASSERT_LE(under_way.size(), places);
  }
  for (const auto& sent : under_way) {
    shares.ended(sent.host, sent.begun, now, End::answered);
  }
  now += 2min;
  for (std::uint64_t host = 1; host <= 40; ++host) {
    know(host);
  }
  EXPECT_EQ(shares.open(), 0u);
  EXPECT_GE(begin_all(1), places / 2);
}

}  // namespace
}  // namespace tern::proactive
