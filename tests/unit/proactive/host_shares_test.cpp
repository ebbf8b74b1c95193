#include "proactive/host_shares.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using End = HostShares::End;

constexpr std::size_t places = 256;
const SteadyTime start{std::chrono::hours(1)};

class HostSharesTest : public ::testing::Test {
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
  /// Lets a host answer once, so that it is known.
  void know(std::uint64_t host) {
    ASSERT_TRUE(begin(host));
    shares.ended(host, now, now, End::answered);
    now += 1ms;
  }
  void end_all(std::uint64_t host, std::size_t count, SteadyTime begun, End end) {
    for (std::size_t i = 0; i < count; ++i) {
      shares.ended(host, begun, now, end);
    }
  }

  HostShares shares{places};
  SteadyTime now = start;
};

TEST_F(HostSharesTest, AHostThatAnswersLeavesPlacesForAnother) {
  know(1);
  know(2);
  const auto first = begin_all(1);
  EXPECT_GE(first, places / 2);
  EXPECT_GE(begin_all(2), places / 8);
}

TEST_F(HostSharesTest, HostsThatHaveNotAnsweredYetHaveFewTogether) {
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

TEST_F(HostSharesTest, AHostThatHangsIsCutOffAndTriedLessAndLessOften) {
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
  EXPECT_EQ(rest, HostShares::longest_rest);
  now = shares.ask(1, now).at;
  ASSERT_TRUE(begin(1));
  EXPECT_TRUE(shares.ended(1, now, now, End::answered).closed);
  EXPECT_EQ(shares.open(), 0u);
  EXPECT_GE(begin_all(1), places / 2);
}

TEST_F(HostSharesTest, OneThatIsLostAmongManyAnswersCutsNobodyOff) {
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

TEST_F(HostSharesTest, AHostWhoseSendsAllWaitGetsNoMoreUntilItAnswersOne) {
  know(1);
  ASSERT_TRUE(begin(1));
  const auto begun = now;
  now += HostShares::slow_after;
  EXPECT_FALSE(may_begin(1));
  shares.ended(1, begun, now, End::answered);
  EXPECT_TRUE(may_begin(1));
}

// The first of them fill what they may, and are cut off only 15 s later.
TEST_F(HostSharesTest, HostsThatStopAllAtOnceHoldTheOthersForASecondAtMost) {
  constexpr std::uint64_t hosts = 500;
  know(1000);
  for (std::uint64_t host = 1; host <= hosts; ++host) {
    know(host);
  }
  for (std::uint64_t host = 1; host <= hosts; ++host) {
    begin_all(host);
  }
  EXPECT_FALSE(may_begin(1000));
  now += HostShares::slow_after;
  EXPECT_EQ(begin_all(1), 0u);
  EXPECT_GE(begin_all(1000), places / 8);
}

TEST_F(HostSharesTest, TriesOfAllThatAreCutOffHaveFewPlaces) {
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
  now += HostShares::slow_after;
  EXPECT_GE(begin_all(1000), places / 2);
}

TEST_F(HostSharesTest, WhatWasCutHereSaysNothingOfTheHost) {
  know(1);
  ASSERT_TRUE(begin(1));
  shares.ended(1, now, now + 1ms, End::unknown);
  EXPECT_EQ(shares.open(), 0u);
  EXPECT_TRUE(may_begin(1));
}

TEST(HostSharesOfFewPlaces, ShutNobodyOut) {
  for (std::size_t few = 1; few < 10; ++few) {
    HostShares shares(few);
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

TEST_F(HostSharesTest, HostsAreForgottenWhenTheyHaveNothingToDo) {
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
TEST_F(HostSharesTest, CountsWhatIsUnderWayWhateverComes) {
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
