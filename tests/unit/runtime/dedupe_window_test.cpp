#include "runtime/dedupe_window.hpp"

#include "dedupe_window_model.hpp"

#include <tern/async/manual_clock.hpp>

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <random>
#include <set>
#include <string>

namespace tern::runtime {
namespace {

/// A key of a conversation of its own. Lifetime: the text is kept for all tests.
DedupeWindow::WrittenKey named(std::uint64_t number, std::uint64_t conversation) {
  static std::set<std::string> texts;
  return {number, conversation, *texts.insert(std::to_string(1'000'000 + number)).first};
}
DedupeWindow::WrittenKey named(std::uint64_t number) {
  return named(number, number);
}

/// What a body of this size costs in a window.
std::size_t window_cost(std::size_t body_bytes) {
  ManualClock clock;
  DedupeWindow window(10'000, std::chrono::minutes(5));
  window.remember(named(1), TurnReply(std::string(body_bytes, 'x')), clock.now());
  return window.bytes();
}

TEST(DedupeWindow, RemembersAnAnswerForItsTime) {
  ManualClock clock;
  DedupeWindow window(10'000, std::chrono::minutes(5));
  const auto key = named(1);
  EXPECT_EQ(window.find(key, clock.now()), nullptr);
  window.remember(key, TurnReply(std::string("body")), clock.now());
  clock.advance(std::chrono::minutes(5) - std::chrono::milliseconds(1));
  ASSERT_NE(window.find(key, clock.now()), nullptr);
  EXPECT_EQ(window.find(key, clock.now())->outcome, TurnOutcome::done);
  EXPECT_EQ(window.find(key, clock.now())->body, "body");
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(window.find(key, clock.now()), nullptr);
  EXPECT_EQ(window.bytes(), 0U);
}

TEST(DedupeWindow, ForgetsTheOldestWhenItsBytesAreFull) {
  ManualClock clock;
  DedupeWindow window(1'000, std::chrono::minutes(5));
  for (std::uint64_t i = 0; i < 100; ++i) {
    window.remember(named(i), TurnReply(std::string(20, 'x')), clock.now());
    EXPECT_LE(window.bytes(), 1'000U);
  }
  EXPECT_EQ(window.find(named(0), clock.now()), nullptr);
  EXPECT_NE(window.find(named(99), clock.now()), nullptr);
  EXPECT_EQ(window.size(), 1'000U / window_cost(20));
}

TEST(DedupeWindow, KeepsEachAnswerWhileItsBlocksAreUsedAgain) {
  ManualClock clock;
  constexpr std::size_t bound = 1'000'000;
  DedupeWindow window(bound, std::chrono::minutes(5));
  const auto body = [](std::uint64_t i) { return std::to_string(i) + std::string(i * 7919 % 3'000, 'x'); };
  std::uint64_t first = 0;
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    window.remember(named(i), TurnReply(body(i)), clock.now());
    ASSERT_LE(window.bytes(), bound);
    first = i + 1 - window.size();
    for (const auto kept : {first, first + window.size() / 2, i}) {
      ASSERT_NE(window.find(named(kept), clock.now()), nullptr) << kept;
      ASSERT_EQ(window.find(named(kept), clock.now())->body, body(kept));
    }
  }
  EXPECT_GT(first, 4'000U);
  clock.advance(std::chrono::minutes(5));
  EXPECT_EQ(window.find(named(4'999), clock.now()), nullptr);
  for (int i = 0; i < 100; ++i) {
    window.find(named(0), clock.now());  // each forgets some
  }
  EXPECT_EQ(window.bytes(), 0U);
  window.remember(named(1), TurnReply(std::string("again")), clock.now());
  EXPECT_EQ(window.find(named(1), clock.now())->body, "again");
}

// After a pause all may be old at once: whoever comes first does not pay for them alone.
TEST(DedupeWindow, ForgetsWhatIsOldAFewAtATime) {
  ManualClock clock;
  DedupeWindow window(1'000'000, std::chrono::minutes(5));
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    window.remember(named(i), TurnReply(std::string("old")), clock.now());
  }
  clock.advance(std::chrono::minutes(5));
  EXPECT_EQ(window.find(named(999), clock.now()), nullptr);
  EXPECT_GT(window.size(), 900U);
  window.remember(named(999), TurnReply(std::string("new")), clock.now());
  for (int i = 0; i < 20; ++i) {
    ASSERT_NE(window.find(named(999), clock.now()), nullptr);
  }
  EXPECT_EQ(window.find(named(999), clock.now())->body, "new");
  EXPECT_EQ(window.size(), 1U);
}

TEST(DedupeWindow, KeepsOneThatIsLargerThanABlock) {
  ManualClock clock;
  DedupeWindow window(4'000'000, std::chrono::minutes(5));
  window.remember(named(1), TurnReply(std::string(1'000'000, 'x')), clock.now());
  window.remember(named(2), TurnReply(std::string("small")), clock.now());
  EXPECT_EQ(window.find(named(1), clock.now())->body.size(), 1'000'000U);
  EXPECT_EQ(window.find(named(2), clock.now())->body, "small");
}

// The block of the small ones is empty by then, and too small for the large one.
TEST(DedupeWindow, ALargeAnswerAfterAPauseIsForgottenLikeAnyOther) {
  ManualClock clock;
  DedupeWindow window(64U << 20, std::chrono::seconds(2));
  for (std::uint64_t i = 0; i < 10; ++i) {
    window.remember(named(i), TurnReply(std::string("small")), clock.now());
  }
  clock.advance(std::chrono::seconds(3));
  window.remember(named(10), TurnReply(std::string(300 << 10, 'x')), clock.now());
  const auto bytes = window.bytes();
  for (int i = 0; i < 100; ++i) {
    ASSERT_NE(window.find(named(10), clock.now()), nullptr);
    ASSERT_EQ(window.bytes(), bytes);
  }
  clock.advance(std::chrono::seconds(3));
  EXPECT_EQ(window.find(named(10), clock.now()), nullptr);
  EXPECT_EQ(window.bytes(), 0U);
  EXPECT_EQ(window.size(), 0U);
}

TEST(DedupeWindow, DoesWhatAPlainMapDoesWhateverComes) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 50; ++run) {
    // Below and above what a block holds, for the window and for the largest answers.
    DedupeWindowModel model(std::size_t{200} << (random() % 14), std::chrono::milliseconds(1 + random() % 1'000));
    const auto keys = 1 + random() % 200;
    const auto largest = std::size_t{1} << (random() % 20);
    for (int step = 0; step < 300; ++step) {
      const auto id = random() % keys;
      switch (random() % 8) {
        case 0:
          model.advance(std::chrono::milliseconds(random() % 3'000));
          break;
        case 1:
          ASSERT_EQ(model.remember(id, random() % largest), "") << "step " << step;
          break;
        case 2:
        case 3:
        case 4:
          ASSERT_EQ(model.remember(id, random() % 200), "") << "step " << step;
          break;
        default:
          ASSERT_EQ(model.find(id), "") << "step " << step;
      }
    }
  }
}

TEST(DedupeWindow, DoesNotRememberWhatIsLargerThanAll) {
  ManualClock clock;
  DedupeWindow window(1'000, std::chrono::minutes(5));
  window.remember(named(1), TurnReply(std::string(2'000, 'x')), clock.now());
  EXPECT_EQ(window.find(named(1), clock.now()), nullptr);
}

}  // namespace
}  // namespace tern::runtime
