#include "proactive/limits/send_gate.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

const SteadyTime start{std::chrono::hours(1)};
const WallTime wall{std::chrono::hours(480'000)};

SendLimits one_a_second() {
  SendLimits limits;
  limits.others = *ChannelLimits::parse("conversation=1/1s");
  return limits;
}

class SendGateTest : public ::testing::Test {
 protected:
  static SendGate::Options with_options() {
    SendGate::Options options;
    options.places = 64;
    options.give_up_after = 1h;
    return options;
  }

  ReadySend message(const std::string& conversation, const std::string& host = "host") {
    ScheduledSend send;
    send.handle.due = wall;
    send.handle.id = new_send_id();
    send.reference = R"({"channelId":"c","bot":{"id":"b"},"serviceUrl":"http://)" + host +
                     R"(/","conversation":{"id":")" + conversation + R"("}})";
    const FetchedSend fetched(std::move(send));
    DueEntry entry;
    entry.id = fetched.send.handle.id;
    entry.due = wall;
    return {entry, fetched.send, gate.scope_of(fetched), start};
  }
  /// True when it goes; otherwise it waits.
  bool goes(const ReadySend& ready, SteadyTime now) {
    const auto hold = gate.ask(ready, now, wall);
    if (hold) {
      EXPECT_FALSE(hold->room->enter(hold->leave, now, {ready.entry, ready.scope, ready.since}));
    }
    return !hold;
  }
  void answer(const ReadySend& ready, SteadyTime now) {
    gate.ended(ready.scope, now, now, Shares::End::answered);
    gate.succeeded(ready.scope, now);
  }

  Limiter limiter{one_a_second()};
  SendGate gate{&limiter, with_options()};
};

TEST_F(SendGateTest, WithoutALimiterEverythingGoes) {
  SendGate open(nullptr, with_options());
  ScheduledSend send;
  send.reference = R"({"conversation":{"id":"a"}})";
  const FetchedSend fetched(send);
  EXPECT_EQ(open.scope_of(fetched).limits, nullptr);
  EXPECT_FALSE(open.ask({DueEntry(), send, open.scope_of(fetched)}, start, wall));
  EXPECT_FALSE(open.take(start, wall));
  EXPECT_FALSE(open.next());
}

TEST_F(SendGateTest, WhatTheLimitsHoldBackGoesWhenTheyOpen) {
  const auto first = message("a");
  const auto second = message("a");
  EXPECT_TRUE(goes(first, start));
  answer(first, start);
  EXPECT_FALSE(goes(second, start));
  EXPECT_EQ(gate.limits_room().size(), 1u);
  EXPECT_FALSE(gate.take(start, wall));
  const auto next = gate.next();
  ASSERT_TRUE(next);
  EXPECT_GT(*next, start);
  const auto taken = gate.take(*next, wall);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->entry.id, second.entry.id);
}

TEST_F(SendGateTest, LaterOnesOfAConversationStandBehindThoseThatWait) {
  const auto first = message("a");
  EXPECT_TRUE(goes(first, start));
  answer(first, start);
  const auto second = message("a");
  const auto third = message("a");
  EXPECT_FALSE(goes(second, start));
  EXPECT_FALSE(goes(third, start + 5s)) << "the one before has not gone yet";
  EXPECT_EQ(gate.take(start + 5s, wall)->entry.id, second.entry.id);
}

// A message that is found to be cancelled takes nothing of what the limits allow.
TEST_F(SendGateTest, WhatIsWithdrawnCountsToNothing) {
  const auto first = message("a");
  EXPECT_TRUE(goes(first, start));
  gate.withdrawn(first.scope, start, start);
  EXPECT_TRUE(goes(message("a"), start));
}

TEST_F(SendGateTest, AHostWithoutAnswersLeavesPlacesToOthers) {
  int gone = 0;
  for (int i = 0; i < 64; ++i) {
    gone += goes(message("bad " + std::to_string(i), "bad"), start) ? 1 : 0;
  }
  EXPECT_LT(gone, 32);
  EXPECT_EQ(gate.shares_room().size(), 64u - static_cast<unsigned>(gone));
  EXPECT_TRUE(goes(message("good"), start));
}

TEST_F(SendGateTest, AnEndFreesAPlaceForOneThatWaits) {
  std::vector<ReadySend> gone;
  for (int i = 0; gate.shares_room().size() == 0; ++i) {
    auto one = message("bad " + std::to_string(i), "bad");
    if (goes(one, start)) {
      gone.push_back(std::move(one));
    }
  }
  EXPECT_FALSE(gate.take(start, wall));
  answer(gone.front(), start);
  EXPECT_TRUE(gate.take(start, wall));
}

// It would wait for ever: one at a time is tried, and most never are.
TEST_F(SendGateTest, WhatIsLongOverdueForALostHostIsGivenUp) {
  auto now = start;
  for (int i = 0; i < 20; ++i) {
    const auto one = message("bad " + std::to_string(i), "bad");
    if (!gate.ask(one, now, wall)) {
      gate.ended(one.scope, now, now + 15s, Shares::End::unanswered);
    }
    now += 2min;
  }
  const auto tried = message("tried", "bad");
  ASSERT_FALSE(gate.ask(tried, now, wall));
  const auto late = message("late", "bad");
  const auto hold = gate.ask(late, now, wall + 59min);
  ASSERT_TRUE(hold);
  EXPECT_FALSE(hold->is_lost);
  EXPECT_TRUE(gate.ask(late, now, wall + 1h)->is_lost);
}

}  // namespace
}  // namespace tern::proactive
