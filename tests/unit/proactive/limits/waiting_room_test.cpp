#include "proactive/limits/waiting_room.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

const SteadyTime start{std::chrono::hours(1)};

// Its name is its id.
WaitingSend send(const std::string& name) {
  WaitingSend waiting;
  std::copy(name.begin(), name.end(), waiting.entry.id.begin());
  return waiting;
}

std::string name_of(const WaitingSend& waiting) {
  return reinterpret_cast<const char*>(waiting.entry.id.data());  // shorter than the id
}

Limiter::Leave held(std::uint64_t scope, SteadyTime at, SteadyTime::duration spacing = 1s) {
  return {at, scope, spacing};
}

std::vector<std::string> take_all(WaitingRoom& room, SteadyTime now) {
  std::vector<std::string> taken;
  while (auto one = room.take(now)) {
    taken.push_back(name_of(*one));
  }
  return taken;
}

TEST(WaitingRoom, EachScopeHasAQueueWithItsOwnTime) {
  WaitingRoom room(100, 60s);
  for (const auto* name : {"a1", "a2"}) {
    auto one = send(name);
    EXPECT_FALSE(room.enter(held(1, start + 2s), start, one));
  }
  auto other = send("b1");
  EXPECT_FALSE(room.enter(held(2, start + 1s), start, other));
  EXPECT_EQ(room.next(), start + 1s);
  EXPECT_EQ(take_all(room, start + 500ms), std::vector<std::string>());
  EXPECT_EQ(take_all(room, start + 1s), std::vector<std::string>{"b1"});
  EXPECT_EQ(take_all(room, start + 2s), (std::vector<std::string>{"a1", "a2"}));
  EXPECT_EQ(room.size(), 0U);
  EXPECT_FALSE(room.next());
}

TEST(WaitingRoom, WhatMustWaitOnIsTheFirstOfItsQueueAgain) {
  WaitingRoom room(100, 60s);
  for (const auto* name : {"1", "2", "3"}) {
    auto one = send(name);
    room.enter(held(1, start), start, one);
  }
  auto first = room.take(start);
  room.enter_again(held(1, start + 1s), *first);
  EXPECT_FALSE(room.take(start)) << "the others wait for the same";
  EXPECT_EQ(take_all(room, start + 1s), (std::vector<std::string>{"1", "2", "3"}));
}

TEST(WaitingRoom, ALaterSendOfAHeldScopeIsHeldToo) {
  WaitingRoom room(100, 60s);
  auto one = send("1");
  room.enter(held(7, start + 2s), start, one);
  SendScope scope;
  scope.conversation = 5;
  scope.tenant = 6;
  scope.bot = 7;
  const auto leave = room.held_by(scope);
  ASSERT_TRUE(leave);
  EXPECT_EQ(leave->scope, 7U);
  EXPECT_EQ(leave->at, start + 2s);
  scope.bot = 8;
  EXPECT_FALSE(room.held_by(scope));
}

TEST(WaitingRoom, WhatWouldWaitTooLongComesBackAsFarApartAsItCanGo) {
  WaitingRoom room(100, 5s);
  std::vector<SteadyTime> back;
  for (int i = 0; i < 20; ++i) {
    auto one = send(std::to_string(i));
    if (const auto when = room.enter(held(1, start + 1s), start, one)) {
      back.push_back(*when);
    }
  }
  EXPECT_EQ(room.size(), 5U);
  ASSERT_EQ(back.size(), 15U);
  EXPECT_EQ(back.front(), start + 7s);
  for (std::size_t i = 1; i < back.size(); ++i) {
    EXPECT_EQ(back[i] - back[i - 1], 1s);
  }
}

TEST(WaitingRoom, AFullRoomSendsAwayToo) {
  WaitingRoom room(2, 60s);
  for (std::uint64_t scope = 1; scope <= 2; ++scope) {
    auto one = send("x");
    EXPECT_FALSE(room.enter(held(scope, start + 1s), start, one));
  }
  auto one = send("x");
  EXPECT_TRUE(room.enter(held(3, start + 1s), start, one));
}

TEST(WaitingRoom, DropsThoseThatAreNamed) {
  WaitingRoom room(100, 60s);
  for (std::uint16_t slot = 0; slot < 6; ++slot) {
    auto one = send(std::to_string(slot));
    one.entry.slot = slot;
    room.enter(held(slot < 3 ? 1 : 2, start + 1s), start, one);
  }
  std::vector<std::string> dropped;
  room.drop([](const WaitingSend& one) { return one.entry.slot != 1; },
            [&](const WaitingSend& one) { dropped.push_back(name_of(one)); });
  EXPECT_EQ(dropped.size(), 5U);
  EXPECT_EQ(room.size(), 1U);
  EXPECT_EQ(room.find(send("3").entry.id), nullptr);
  ASSERT_NE(room.find(send("1").entry.id), nullptr);
  EXPECT_EQ(room.find(send("1").entry.id)->slot, 1U);
  EXPECT_EQ(take_all(room, start + 1s), std::vector<std::string>{"1"});
  EXPECT_EQ(room.find(send("1").entry.id), nullptr);
}

TEST(WaitingRoom, AScopeThatIsHeldBackNoMoreIsWoken) {
  WaitingRoom room(100, 60s);
  room.enter(held(1, start + 30s), start, send("1"));
  room.enter(held(2, start + 30s), start, send("2"));
  room.wake(1, start + 1s);
  room.wake(3, start + 1s);
  EXPECT_EQ(room.next(), start + 1s);
  EXPECT_EQ(take_all(room, start + 1s), std::vector<std::string>{"1"});
}

}  // namespace
}  // namespace tern::proactive
