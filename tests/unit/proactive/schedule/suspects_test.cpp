#include "proactive/schedule/suspects.hpp"

#include <gtest/gtest.h>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

const SteadyTime start{std::chrono::hours(1)};

ScheduledSend begun(std::uint16_t times, SendKind kind, bool at_most_once = false) {
  ScheduledSend send;
  send.begun = times;
  send.kind = kind;
  send.at_most_once = at_most_once;
  return send;
}

void enter(Suspects& suspects, std::uint8_t number) {
  WaitingSend one;
  one.entry.id[0] = number;
  const auto hold = suspects.hold(start, 1s);
  EXPECT_FALSE(hold.room->enter(hold.leave, start, one));
}

TEST(Suspects, OnlyAContinuationThatHadBegunIsOne) {
  EXPECT_TRUE(Suspects::is_one(begun(1, SendKind::continuation)));
  EXPECT_FALSE(Suspects::is_one(begun(0, SendKind::continuation)));
  EXPECT_FALSE(Suspects::is_one(begun(3, SendKind::activity))) << "no message ends a process";
}

TEST(Suspects, TheThirdDeathIsTheLast) {
  EXPECT_FALSE(Suspects::verdict_on(begun(2, SendKind::continuation)));
  EXPECT_EQ(Suspects::verdict_on(begun(3, SendKind::continuation)), "it ended the process 3 times");
  EXPECT_FALSE(Suspects::verdict_on(begun(9, SendKind::activity)));
}

TEST(Suspects, WhatMayHappenOnceIsNotDoneAgain) {
  EXPECT_FALSE(Suspects::verdict_on(begun(0, SendKind::activity, true)));
  EXPECT_TRUE(Suspects::verdict_on(begun(1, SendKind::activity, true)));
  EXPECT_TRUE(Suspects::verdict_on(begun(1, SendKind::continuation, true)));
}

TEST(Suspects, RunOneAtATimeInTheWholeProcess) {
  SoloGate gate;
  Suspects here(gate, 8, 5s);
  Suspects there(gate, 8, 5s);
  int told = 0;
  gate.add_listener([&] { ++told; });
  EXPECT_FALSE(here.begin()) << "none waits";
  enter(here, 1);
  enter(here, 2);
  enter(there, 3);
  EXPECT_EQ(here.begin()->entry.id[0], 1);
  EXPECT_FALSE(here.begin());
  EXPECT_FALSE(there.begin());
  here.ended();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(there.begin()->entry.id[0], 3);
  there.ended();
  EXPECT_EQ(here.begin()->entry.id[0], 2);
}

TEST(Suspects, OneThatIsGivenUpKeepsNoOtherWaiting) {
  SoloGate gate;
  Suspects suspects(gate, 8, 5s);
  enter(suspects, 1);
  suspects.room().drop([](const WaitingSend&) { return true; }, [](const WaitingSend&) {});
  EXPECT_FALSE(suspects.begin());
  EXPECT_TRUE(gate.try_enter()) << "the gate was not taken for nothing";
}

}  // namespace
}  // namespace tern::proactive
