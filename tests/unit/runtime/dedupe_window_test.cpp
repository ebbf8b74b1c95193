#include "runtime/dedupe_window.hpp"

#include <tern/async/manual_clock.hpp>

#include <gtest/gtest.h>

namespace tern::runtime {
namespace {

TEST(DedupeWindow, RemembersAnAnswerForItsTime) {
  ManualClock clock;
  DedupeWindow window(clock, 10'000, std::chrono::minutes(5));
  const ActivityKey key{1, 2};
  EXPECT_EQ(window.find(key), nullptr);
  window.remember(key, TurnReply(200, "body"));
  clock.advance(std::chrono::minutes(5) - std::chrono::milliseconds(1));
  ASSERT_NE(window.find(key), nullptr);
  EXPECT_EQ(window.find(key)->status, 200U);
  EXPECT_EQ(window.find(key)->body, "body");
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(window.find(key), nullptr);
  EXPECT_EQ(window.bytes(), 0U);
}

TEST(DedupeWindow, ForgetsTheOldestWhenItsBytesAreFull) {
  ManualClock clock;
  DedupeWindow window(clock, 1'000, std::chrono::minutes(5));
  for (std::uint64_t i = 0; i < 100; ++i) {
    window.remember({i, i}, TurnReply(200, std::string(20, 'x')));
    EXPECT_LE(window.bytes(), 1'000U);
  }
  EXPECT_EQ(window.find({0, 0}), nullptr);
  EXPECT_NE(window.find({99, 99}), nullptr);
  EXPECT_EQ(window.size(), 10U);
}

TEST(DedupeWindow, DoesNotRememberWhatIsLargerThanAll) {
  ManualClock clock;
  DedupeWindow window(clock, 1'000, std::chrono::minutes(5));
  window.remember({1, 1}, TurnReply(200, std::string(2'000, 'x')));
  EXPECT_EQ(window.find({1, 1}), nullptr);
}

}  // namespace
}  // namespace tern::runtime
