#include "proactive/limits/refused_sends.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using Kind = RefusedSends::Judgement::Kind;

const SteadyTime start{std::chrono::hours(1)};

class RefusedSendsTest : public ::testing::Test {
 protected:
  static DueEntry entry(std::uint8_t number, std::uint64_t epoch = 1) {
    DueEntry one;
    one.id[0] = number;
    one.epoch = epoch;
    return one;
  }
  static ScheduledSend send(std::uint32_t attempt = 0) {
    ScheduledSend one;
    one.attempt = attempt;
    one.reference = R"({"channelId":"c","bot":{"id":"b"},"conversation":{"id":"x"}})";
    return one;
  }
  Kind judge(const DueEntry& one, const ScheduledSend& of, SteadyTime now, bool is_still_mine = true) {
    return refused.judge(one, of, is_still_mine, &limiter, now).kind;
  }

  Limiter limiter;
  RefusedSends refused{2};
};

TEST_F(RefusedSendsTest, IsDeadWhenNothingSpeaksAgainstTheBotMeanwhile) {
  refused.remember(entry(1), 0, "conversation_gone", start);
  const auto judgement = refused.judge(entry(1), send(), true, &limiter, start + 30s);
  EXPECT_EQ(judgement.kind, Kind::dead);
  EXPECT_EQ(judgement.reason, "conversation_gone");
  EXPECT_EQ(refused.size(), 0u);
}

TEST_F(RefusedSendsTest, WaitsOnWhenItComesTooSoon) {
  refused.remember(entry(1), 0, "gone", start);
  const auto judgement = refused.judge(entry(1), send(), true, &limiter, start + 10s);
  EXPECT_EQ(judgement.kind, Kind::wait);
  EXPECT_EQ(judgement.wait, 20s);
  EXPECT_EQ(judge(entry(1), send(), start + 30s), Kind::dead);
}

TEST_F(RefusedSendsTest, IsTriedAgainWhenTheBotMayHaveBeenMeant) {
  refused.remember(entry(1), 0, "gone", start);
  limiter.refused(limiter.scope_of(send().reference), start + 1s, Limiter::Refused::bot);
  EXPECT_EQ(judge(entry(1), send(), start + 30s), Kind::none);
  EXPECT_EQ(refused.size(), 0u) << "and is judged anew after that";
}

TEST_F(RefusedSendsTest, WhatAnotherOwnerMayHaveTriedIsTriedAgain) {
  for (const auto attempt : {0u, 1u}) {
    refused.remember(entry(1), 0, "gone", start);
    EXPECT_EQ(judge(entry(1, attempt == 0 ? 2 : 1), send(attempt), start + 30s), Kind::none);
  }
  refused.remember(entry(1), 0, "gone", start);
  EXPECT_EQ(judge(entry(1), send(), start + 30s, false), Kind::none) << "its slot went";
  refused.remember(entry(1), 0, "gone", start);
  auto edited = entry(1);
  edited.generation = 1;
  EXPECT_EQ(judge(edited, send(), start + 1s), Kind::none);
}

TEST_F(RefusedSendsTest, WhatHasNoRoomIsTriedAgain) {
  for (std::uint8_t number = 1; number <= 3; ++number) {
    refused.remember(entry(number), 0, "gone", start);
  }
  EXPECT_EQ(judge(entry(3), send(), start + 30s), Kind::none);
  EXPECT_EQ(judge(entry(1), send(), start + 30s), Kind::dead);
}

TEST_F(RefusedSendsTest, WhatNeverCameAgainMakesRoom) {
  refused.remember(entry(1), 0, "gone", start);
  refused.remember(entry(2), 0, "gone", start);
  refused.remember(entry(3), 0, "gone", start + 61s);
  EXPECT_EQ(refused.size(), 1u);
  refused.forget(entry(3).id);
  EXPECT_EQ(refused.size(), 0u);
}

}  // namespace
}  // namespace tern::proactive
