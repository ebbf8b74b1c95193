#include "direct_line/rates.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime rates_begin{1h};

TEST(RatesTest, LetASecondsWorthGoAtOnceAndThenOneAfterTheOther) {
  Rates rates(4, 100);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(rates.take("a", rates_begin)) << i;
  }
  EXPECT_EQ(rates.take("a", rates_begin), 250ms);
  EXPECT_FALSE(rates.take("b", rates_begin)) << "each has its own";
  EXPECT_EQ(rates.take("a", rates_begin + 249ms), 1ms);
  EXPECT_FALSE(rates.take("a", rates_begin + 250ms));
  EXPECT_TRUE(rates.take("a", rates_begin + 250ms));
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(rates.take("a", rates_begin + 10s)) << i;
  }
  EXPECT_TRUE(rates.take("a", rates_begin + 10s));
}

TEST(RatesTest, OfOneASecondLetOneGo) {
  Rates rates(1, 100);
  EXPECT_FALSE(rates.take("a", rates_begin));
  EXPECT_EQ(rates.take("a", rates_begin), 1s);
  EXPECT_FALSE(rates.take("a", rates_begin + 1s));
}

TEST(RatesTest, MakeOthersWaitForWhatWasCharged) {
  Rates rates(2, 100);
  EXPECT_EQ(rates.wait("a", rates_begin), 0s);
  EXPECT_EQ(rates.size(), 0U) << "a question is not remembered";
  rates.charge("a", 350, rates_begin);  // three and a half: of two for the second, one and a half are owed
  EXPECT_EQ(rates.wait("a", rates_begin), 1250ms);
  EXPECT_EQ(rates.take("a", rates_begin), 1250ms);
  EXPECT_EQ(rates.wait("a", rates_begin + 1s), 250ms);
  EXPECT_EQ(rates.wait("a", rates_begin + 1250ms), 0s);
  EXPECT_EQ(rates.wait("b", rates_begin), 0s);
}

TEST(RatesTest, MayCountManyAtOnceInALongerTime) {
  Rates bytes(1000, 10s, 100);
  EXPECT_FALSE(bytes.take("a", rates_begin, 700));
  EXPECT_EQ(bytes.take("a", rates_begin, 700), 4s);
  EXPECT_FALSE(bytes.take("a", rates_begin, 300));
  EXPECT_FALSE(bytes.take("a", rates_begin + 4s, 400));
  EXPECT_EQ(bytes.take("b", rates_begin, 1500), std::nullopt) << "or it could never happen";
  EXPECT_EQ(bytes.take("b", rates_begin, 1), 5010ms);
}

TEST(RatesTest, WithoutALimitRememberNothing) {
  Rates rates(0, 100);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(rates.take("a", rates_begin));
  }
  EXPECT_EQ(rates.size(), 0U);
}

TEST(RatesTest, RememberABoundedNumberOfKeys) {
  Rates rates(2, 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(rates.take(std::to_string(i), rates_begin));
  }
  EXPECT_FALSE(rates.take("x", rates_begin));
  EXPECT_FALSE(rates.take("y", rates_begin));
  EXPECT_TRUE(rates.take("z", rates_begin)) << "those beyond share one rate";
  EXPECT_EQ(rates.size(), 3U);
  EXPECT_FALSE(rates.take("x", rates_begin + 5s)) << "those that have rested made room";
  EXPECT_EQ(rates.size(), 1U);
}

}  // namespace
}  // namespace tern::direct_line
