#include "proactive/limits/limiter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

const SteadyTime start{std::chrono::hours(1)};

SendLimits presets() {
  SendLimits limits;
  limits.channels["msteams"] = *ChannelLimits::parse("conversation=7/1s,8/2s,60/30s,1800/1h tenant=50/1s");
  limits.channels["slack"] = *ChannelLimits::parse("conversation=1/1s");
  limits.channels["telegram"] = *ChannelLimits::parse("conversation=1/1s bot=30/1s");
  return limits;
}

SendScope scope(const Limiter& limiter, const std::string& channel, const std::string& conversation,
                const std::string& tenant = "t") {
  return limiter.scope_of(R"({"channelId":")" + channel + R"(","bot":{"id":"b"},"conversation":{"id":")" +
                          conversation + R"(","tenantId":")" + tenant + R"("}})");
}

// Lets one send go as soon as it may; when that was.
SteadyTime send_one(Limiter& limiter, const SendScope& to, SteadyTime now) {
  for (auto at = limiter.ask(to, now, 0s).at; at > now; at = limiter.ask(to, now, 0s).at) {
    now = at;
  }
  limiter.ended(to, now);
  return now;
}

std::size_t most_within(const std::vector<SteadyTime>& times, SteadyTime::duration length) {
  std::size_t most = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto end = std::lower_bound(times.begin(), times.end(), times[i] + length);
    most = std::max(most, static_cast<std::size_t>(end - times.begin()) - i);
  }
  return most;
}

TEST(SendLimits, AreReadFromText) {
  const auto limits = ChannelLimits::parse("conversation=7/1s,60/30s bot=5/100ms tenant=9/2h");
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->conversation.size(), 2u);
  EXPECT_EQ(limits->conversation[1].sends, 60u);
  EXPECT_EQ(limits->conversation[1].length, 30s);
  EXPECT_EQ(limits->bot[0].length, 100ms);
  EXPECT_EQ(limits->tenant[0].length, 2h);
  EXPECT_EQ(ChannelLimits::parse("none"), ChannelLimits());
  for (const auto* bad : {"x", "bot", "bot=", "bot=0/1s", "bot=1", "bot=1/s", "bot=1/1d", "bot=1/1s bot=1/1s",
                          "user=1/1s", "bot=-1/1s", "bot=1/1s,x"}) {
    EXPECT_FALSE(ChannelLimits::parse(bad)) << bad;
  }
}

TEST(Limiter, NoIntervalHoldsMoreThanAWindowAllowsAndNothingIsWasted) {
  Limiter limiter(presets());
  const auto to = scope(limiter, "msteams", "c");
  std::vector<SteadyTime> sent;
  auto now = start;
  while (now < start + 2h) {
    now = send_one(limiter, to, now);
    sent.push_back(now);
  }
  EXPECT_EQ(most_within(sent, 1s), 7u);
  EXPECT_EQ(most_within(sent, 2s), 8u);
  EXPECT_EQ(most_within(sent, 30s), 60u);
  EXPECT_EQ(most_within(sent, 1h), 1680u) << "short of 1800 by what may have been forgotten";
}

// A request takes up to 400 ms, and the channel counts it at any moment in between.
TEST(Limiter, IsExactAtTheChannelHoweverLongRequestsTake) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::minstd_rand random(seed);
    Limiter limiter(presets());
    std::vector<std::pair<SteadyTime, SendScope>> under_way;
    std::vector<SteadyTime> counted;
    auto now = start;
    for (int step = 0; step < 5'000; ++step) {
      now += std::chrono::milliseconds(random() % 20);
      std::erase_if(under_way, [&](const auto& one) {
        const bool over = one.first <= now;
        if (over) {
          limiter.ended(one.second, now);
        }
        return over;
      });
      const auto to = scope(limiter, "telegram", std::to_string(random() % 100));
      if (limiter.ask(to, now, 0s).at <= now) {
        const auto takes = std::chrono::milliseconds(random() % 400);
        counted.push_back(now + takes * (random() % 100) / 100);
        under_way.emplace_back(now + takes, to);
      }
    }
    std::sort(counted.begin(), counted.end());
    EXPECT_LE(most_within(counted, 1s), 30u) << "seed " << seed;
    EXPECT_GT(counted.size(), 500u);
  }
}

TEST(Limiter, ARetryAfterFreezesItsConversationAlone) {
  Limiter limiter(presets());
  const auto one = scope(limiter, "msteams", "1");
  EXPECT_EQ(limiter.throttled(one, start, 10s), Limiter::Frozen::conversation);
  EXPECT_EQ(limiter.ask(one, start + 1s, 0s).at, start + 10s);
  EXPECT_EQ(limiter.ask(scope(limiter, "msteams", "2"), start + 1s, 0s).at, start + 1s);
}

TEST(Limiter, ThreeConversationsThatAreThrottledMeanTheirTenant) {
  Limiter limiter(presets());
  for (const auto* name : {"1", "1", "2"}) {
    EXPECT_EQ(limiter.throttled(scope(limiter, "msteams", name), start, 10s), Limiter::Frozen::conversation);
  }
  EXPECT_EQ(limiter.throttled(scope(limiter, "msteams", "3"), start + 1s, 10s), Limiter::Frozen::tenant);
  EXPECT_EQ(limiter.ask(scope(limiter, "msteams", "4"), start + 2s, 0s).at, start + 11s);
  EXPECT_EQ(limiter.ask(scope(limiter, "msteams", "5", "other"), start + 2s, 0s).at, start + 2s);
  EXPECT_EQ(limiter.throttled(scope(limiter, "msteams", "6", "other"), start + 2s, 10s), Limiter::Frozen::bot);
  EXPECT_EQ(limiter.ask(scope(limiter, "msteams", "7", "third"), start + 3s, 0s).at, start + 12s);
}

TEST(Limiter, WithEnoughSuccessesInBetweenThrottlesAreThoseOfTheConversations) {
  Limiter limiter(presets());
  for (int success = 0; success < 10; ++success) {
    limiter.succeeded(scope(limiter, "slack", "another"), start);
  }
  for (int i = 0; i < 100; ++i) {
    const auto to = scope(limiter, "slack", std::to_string(i));
    EXPECT_EQ(limiter.throttled(to, start, 1s), Limiter::Frozen::conversation) << i;
    for (int success = 0; success < 4; ++success) {
      limiter.succeeded(scope(limiter, "slack", "another"), start);
    }
  }
}

TEST(Limiter, ThrottlesFarApartStayApart) {
  Limiter limiter(presets());
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limiter.throttled(scope(limiter, "slack", std::to_string(i)), start + i * 3s, 1s),
              Limiter::Frozen::conversation);
  }
}

TEST(Limiter, AfterAnOutageTheRateDoublesEachSecond) {
  Limiter limiter(presets());
  std::vector<int> each;
  int name = 0;
  for (int second = 0; second < 4; ++second) {
    int sent = 0;
    while (limiter.ask(scope(limiter, "other", std::to_string(name++)), start + second * 1s, 1h).at ==
           start + second * 1s) {
      ++sent;
    }
    each.push_back(sent);
  }
  EXPECT_EQ(each, (std::vector<int>{100, 200, 400, 800}));
  EXPECT_EQ(limiter.ask(scope(limiter, "another", "x"), start, 1s).at, start) << "a little late is no outage";
}

constexpr auto barred = Limiter::Refused::conversation;
constexpr auto unauthorized = Limiter::Refused::bot;

class Refusals : public ::testing::Test {
 protected:
  SendScope to(int name) const { return scope(limiter, "other", std::to_string(name), std::to_string(name)); }
  // Asks for a send that ends with a refusal at once.
  std::optional<Limiter::Pause> refuse(int name, SteadyTime now, Limiter::Refused what = barred) {
    EXPECT_LE(limiter.ask(to(name), now, 0s).at, now);
    limiter.ended(to(name), now);
    return limiter.refused(to(name), now, what);
  }
  bool succeed(int name, SteadyTime now) {
    EXPECT_LE(limiter.ask(to(name), now, 0s).at, now);
    limiter.ended(to(name), now);
    return limiter.succeeded(to(name), now);
  }
  bool may_go(int name, SteadyTime now) {
    const bool may = limiter.ask(to(name), now, 0s).at <= now;
    if (may) {
      limiter.withdrawn(to(name));
    }
    return may;
  }

  Limiter limiter{presets()};
};

TEST_F(Refusals, OfAllConversationsPauseTheBot) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(refuse(i, start));
    EXPECT_FALSE(refuse(0, start)) << "one conversation counts once";
  }
  EXPECT_FALSE(limiter.in_doubt(to(0), start));
  const auto pause = refuse(4, start);
  ASSERT_TRUE(pause);
  EXPECT_TRUE(pause->begun);
  EXPECT_EQ(pause->until, start + Limiter::first_doubt);
  EXPECT_FALSE(limiter.refused(to(10), start + 1s, barred)->begun) << "it was under way";
  EXPECT_TRUE(limiter.in_doubt(to(0), start));
  EXPECT_FALSE(may_go(11, start + 1s));
}

TEST_F(Refusals, OfAFewUsersDoNotPauseTheBotWhenOneInBetweenIsServed) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(refuse(i, start + i * 1s));
  }
  EXPECT_FALSE(succeed(100, start + 4s));
  EXPECT_FALSE(refuse(3, start + 5s));
  EXPECT_FALSE(refuse(4, start + 6s));
  EXPECT_TRUE(may_go(101, start + 7s));
}

TEST_F(Refusals, AreMeasuredByHowManyAreUsual) {
  int name = 0;
  auto now = start;
  // Nine in ten have blocked the bot, and never more than nine in a row.
  for (int round = 0; round < 3; ++round) {  // what is usual is learnt from a few
    for (int i = 0; i < 4; ++i) {
      EXPECT_FALSE(refuse(++name, now));
    }
    succeed(++name, now);
  }
  for (int round = 0; round < 50; ++round, now += 1s) {
    for (int i = 0; i < 9; ++i) {
      ASSERT_FALSE(refuse(++name, now)) << round;
    }
    succeed(++name, now);
  }
  bool is_paused = false;
  for (int i = 0; i < 100 && !is_paused; ++i) {
    is_paused = refuse(++name, now).has_value();
  }
  EXPECT_TRUE(is_paused) << "nobody is served any more";
}

// Those who took a message before the secret went bad are no reason to think well of it.
TEST_F(Refusals, PauseABotThatWasServedAMomentAgo) {
  int name = 0;
  auto now = start;
  for (int i = 0; i < 600; ++i, now += 50ms) {
    succeed(++name, now);
  }
  int refused = 0;
  while (!refuse(++name, now) && refused < 100) {
    ++refused;
    now += 50ms;
  }
  EXPECT_LE(refused, 20);
}

TEST_F(Refusals, AreSeenAlsoWhereOneComesThrough) {
  int name = 0;
  auto now = start;
  for (int i = 0; i < 100; ++i, now += 50ms) {
    succeed(++name, now);
  }
  bool is_paused = false;
  for (int i = 1; i < 60 && !is_paused; ++i, now += 50ms) {
    if (i == 5) {
      succeed(++name, now);
    } else {
      is_paused = refuse(++name, now).has_value();
    }
  }
  EXPECT_TRUE(is_paused);
}

TEST_F(Refusals, FourInTenThatHaveBlockedTheBotNeverPauseIt) {
  int name = 0;
  auto now = start;
  for (int i = 0; i < 2'000; ++i, now += 50ms) {
    if ((i * 7919) % 1000 / 100 < 4) {
      ASSERT_FALSE(refuse(++name, now)) << i;
    } else {
      succeed(++name, now);
    }
  }
}

TEST_F(Refusals, OfFiveWithinHalfAMinuteSayNothingWhereOneInBetweenIsServed) {
  for (const auto healthy : {1s, 8s, 15s, 22s}) {
    Limiter fresh(presets());
    const auto at = [&](int who) { return scope(fresh, "other", std::to_string(who), std::to_string(who)); };
    fresh.succeeded(at(100), start + healthy);
    for (int i = 0; i < 5; ++i) {
      EXPECT_FALSE(fresh.refused(at(i), start + i * 7s, barred) && i * 7s > healthy) << healthy.count();
    }
  }
}

TEST_F(Refusals, OfTheWayPauseForAMinuteAtMost) {
  auto now = start;
  std::optional<Limiter::Pause> pause;
  for (int i = 0; i < 200; ++i) {
    if (const auto news = refuse(i, now, Limiter::Refused::way)) {
      pause = news;
      EXPECT_LE(pause->until - now, 60s);
      now = pause->until;
    }
  }
  ASSERT_TRUE(pause);
}

TEST_F(Refusals, OfSeveralAreSeenBeforeTheyPauseTheBot) {
  refuse(1, start);
  refuse(2, start);
  EXPECT_FALSE(limiter.several_refused(to(1), start));
  refuse(3, start);
  EXPECT_TRUE(limiter.several_refused(to(1), start));
  EXPECT_FALSE(limiter.in_doubt(to(1), start));
  succeed(4, start + 1s);
  EXPECT_FALSE(limiter.several_refused(to(1), start + 1s));
  EXPECT_FALSE(limiter.several_refused(to(1), start + 40s));
}

// Refusals come sooner than answers.
TEST_F(Refusals, SayNothingWhileMoreAreUnderWay) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_LE(limiter.ask(to(i), start, 0s).at, start);
  }
  for (int i = 0; i < 40; ++i) {
    limiter.ended(to(i), start);
    EXPECT_FALSE(limiter.refused(to(i), start, barred));
  }
  for (int i = 40; i < 100; ++i) {
    limiter.ended(to(i), start);
    limiter.succeeded(to(i), start);
  }
  EXPECT_TRUE(may_go(200, start));
}

TEST_F(Refusals, OfTheTokenPauseTheBotAtOnce) {
  const auto pause = refuse(1, start, unauthorized);
  ASSERT_TRUE(pause);
  EXPECT_TRUE(pause->begun);
  EXPECT_EQ(pause->until, start + 60s);
  EXPECT_FALSE(may_go(2, start + 59s));
  const auto again = refuse(2, start + 60s, unauthorized);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->until, start + 60s + 120s);
}

TEST_F(Refusals, OfAProbeLengthenThePauseOnlyWhenSeveralInARowAreRefused) {
  refuse(0, start, unauthorized);
  const auto now = start + 60s;
  for (int i = 1; i < static_cast<int>(Limiter::probes); ++i) {
    EXPECT_FALSE(refuse(i, now)) << "it may be a user who blocked the bot: another conversation is tried";
    EXPECT_TRUE(limiter.in_doubt(to(i), now));
  }
  EXPECT_LE(limiter.ask(to(50), now, 0s).at, now);
  EXPECT_GT(limiter.ask(to(51), now, 0s).at, now) << "one at a time";
  limiter.ended(to(50), now);
  const auto pause = limiter.refused(to(50), now, barred);
  ASSERT_TRUE(pause);
  EXPECT_EQ(pause->until, now + 120s);
}

TEST_F(Refusals, AreForgottenWithOneSuccessAlsoOfASendFromBefore) {
  EXPECT_LE(limiter.ask(to(99), start, 0s).at, start);
  refuse(0, start, unauthorized);
  EXPECT_FALSE(may_go(1, start + 1s));
  limiter.ended(to(99), start + 2s);
  EXPECT_TRUE(limiter.succeeded(to(99), start + 2s));
  EXPECT_TRUE(may_go(1, start + 2s));
  EXPECT_TRUE(limiter.in_doubt(to(1), start + 1s)) << "what was refused before may have been refused for this";
  EXPECT_FALSE(limiter.in_doubt(to(1), start + 3s));
}

TEST_F(Refusals, WhatWaitsForAPausedBotAsksAgainSoon) {
  refuse(0, start, unauthorized);
  EXPECT_EQ(limiter.ask(to(1), start + 1s, 0s).at, start + 1s + Limiter::look_again);
}

TEST_F(Refusals, ThatPauseABotDoNotEndItsRetryAfter) {
  for (int i = 0; i < 10; ++i) {
    limiter.throttled(to(i), start, 30s);
  }
  limiter.refused(to(0), start, unauthorized);
  limiter.succeeded(to(1), start + 1s);
  EXPECT_EQ(limiter.ask(to(20), start + 2s, 0s).at, start + 30s);
}

TEST(Limiter, AWithdrawnSendDoesNotCount) {
  Limiter limiter(presets());
  const auto to = scope(limiter, "slack", "c");
  EXPECT_LE(limiter.ask(to, start, 0s).at, start);
  limiter.withdrawn(to);
  EXPECT_LE(limiter.ask(to, start, 0s).at, start);
}

TEST(Limiter, ForgetsIdleConversations) {
  Limiter limiter(presets());
  auto now = start;
  for (int i = 0; i < 200'000; ++i) {
    now += 10ms;
    const auto to = scope(limiter, "slack", std::to_string(i));
    ASSERT_EQ(limiter.ask(to, now, 0s).at, now);
    limiter.ended(to, now);
  }
  EXPECT_LT(limiter.size(), 15'000u);
}

// Teams's window of an hour would otherwise keep all that were sent to within it.
TEST(Limiter, MemoryFollowsTheRateOfSendsAndNotTheLongestWindow) {
  Limiter limiter(presets());
  auto now = start;
  for (int i = 0; i < 100'000; ++i) {
    now += 20ms;
    const auto to = scope(limiter, "msteams", std::to_string(i));
    ASSERT_EQ(limiter.ask(to, now, 0s).at, now);
    limiter.ended(to, now);
  }
  EXPECT_LT(limiter.size(), 8'000u);
}

// Two sends a minute are forgotten each time, and still no hour holds more than 1800.
TEST(Limiter, WhatIsForgottenDoesNotMakeAWindowLarger) {
  Limiter limiter(presets());
  const auto to = scope(limiter, "msteams", "c");
  std::vector<SteadyTime> sent;
  auto now = start;
  int other = 0;
  const auto pass_by = [&] {
    for (int i = 0; i < 3'000; ++i) {
      const auto someone = scope(limiter, "slack", std::to_string(other++));
      limiter.ask(someone, now, 0s);
      limiter.ended(someone, now);
    }
  };
  while (now < start + 40min) {
    for (int i = 0; i < 2; ++i) {
      now = send_one(limiter, to, now);
      sent.push_back(now);
    }
    now += 61s;
    pass_by();
  }
  while (now < start + 2h) {
    now = send_one(limiter, to, now);
    sent.push_back(now);
  }
  EXPECT_LE(most_within(sent, 1h), 1800u);
  EXPECT_GT(most_within(sent, 1h), 1620u);
}

TEST(Limiter, ProcessesShareTheLimitsOfBotsAndTenants) {
  Limiter limiter(presets());
  limiter.set_processes(3);
  int sent = 0;
  for (int i = 0; i < 100; ++i) {
    const auto to = scope(limiter, "telegram", std::to_string(i));
    sent += limiter.ask(to, start, 0s).at <= start ? 1 : 0;
  }
  EXPECT_EQ(sent, 10);
}

// A process that lived through an outage of its store has as much to catch up with as one that was started anew.
TEST(Limiter, BeginsSlowlyAfterAnOutageThatItLivedThrough) {
  SendLimits limits;
  limits.slow_start = 10;
  Limiter limiter(limits);
  auto now = start;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(send_one(limiter, scope(limiter, "c", std::to_string(i)), now), now);
  }
  now += 10min;
  std::size_t at_once = 0;
  for (int i = 0; i < 50; ++i) {
    const auto to = scope(limiter, "c", std::to_string(i));
    if (limiter.ask(to, now, 9min).at <= now) {
      limiter.ended(to, now);
      ++at_once;
    }
  }
  EXPECT_EQ(at_once, 10u);
}

}  // namespace
}  // namespace tern::proactive
