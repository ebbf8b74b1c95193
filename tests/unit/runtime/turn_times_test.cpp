#include "runtime/turn_times.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace tern::runtime {
namespace {

using namespace std::chrono_literals;

TEST(TurnTimes, CountsByTypeAndBucket) {
  TurnTimes times;
  times.add(TurnTimes::index_of("message"), 2ms);
  times.add(TurnTimes::index_of("message"), 2500us);
  times.add(TurnTimes::index_of("invoke"), 10min);
  Distribution messages;
  times.read(TurnTimes::index_of("message"), messages);
  EXPECT_EQ(messages.counts.at(2), 2U) << "a bucket has its own bound";
  EXPECT_DOUBLE_EQ(messages.sum, 0.0045);
  Distribution invokes;
  times.read(TurnTimes::invoke, invokes);
  EXPECT_EQ(invokes.counts.back(), 1U) << "beyond the last bound";
}

TEST(TurnTimes, WhatStrangersCallATypeIsOther) {
  for (const std::string type : {"", "Message", "continuation", "other", "x-custom", "message "}) {
    EXPECT_EQ(TurnTimes::index_of(type), TurnTimes::other) << type;
  }
  EXPECT_EQ(TurnTimes::types[TurnTimes::invoke], "invoke");
}

TEST(TurnTimes, ShardsAddUp) {
  TurnTimes one;
  TurnTimes two;
  one.add(0, 1ms);
  two.add(0, 1s);
  Distribution all;
  one.read(0, all);
  two.read(0, all);
  EXPECT_EQ(std::accumulate(all.counts.begin(), all.counts.end(), 0U), 2U);
  EXPECT_DOUBLE_EQ(all.sum, 1.001);
}

}  // namespace
}  // namespace tern::runtime
