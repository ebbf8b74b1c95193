// What the turn of a scheduled continuation schedules itself, when the continuation runs more than once.

#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using testing::HasSubstr;

/// A bot whose continuation schedules a message for later, commits, and then fails as often as it is told to: to the
/// schedule it is as if the process had ended between the commit and the outcome.
class ContinuationThatRunsAgain : public ::testing::Test {
 protected:
  runtime::Runtime::MakeBot bot() {
    return [this] {
      auto made = std::make_unique<FunctionBot>();
      made->on_continue("follow", [this](TurnContext& turn) -> awaitable<void> {
        ++runs;
        EXPECT_FALSE(turn.activity().id()) << "what it sends would reply to an activity that no channel knows";
        co_await turn.proactive().send_after(1h, Activity::message("a"));
        co_await turn.proactive().send_after(2h, Activity::message("b"));
        co_await turn.commit();
        if (failures-- > 0) {
          throw_error(errc::storage_unavailable, "the outcome is lost");
        }
      });
      return made;
    };
  }
  ConversationReference reference() { return world.message("x").reference(); }
  std::vector<ScheduledSend> messages() {
    auto sends = world.records();
    std::erase_if(sends, [](const ScheduledSend& send) { return send.kind != SendKind::activity; });
    return sends;
  }

  int runs = 0;
  int failures = 0;
  BotWorld world{bot()};
};

TEST_F(ContinuationThatRunsAgain, StoresItsSendsOnce) {
  failures = 3;
  test::run_on(world.io(), world.proactive->continue_after(reference(), 1s, "follow", nullptr, {}));
  world.pass(60s, 100ms);
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(messages().size(), 2U);
  world.pass(3h, 10s);
  EXPECT_THAT(world.sender.texts(), testing::ElementsAre("a", "b"));
}

TEST_F(ContinuationThatRunsAgain, EachOccurrenceHasSendsOfItsOwn) {
  const auto options = SendOptions().every(Recurrence::every(5min));
  test::run_on(world.io(), world.proactive->continue_after(reference(), 1s, "follow", nullptr, options));
  for (int i = 0; i < 3; ++i) {
    failures = 1;
    world.pass(5min, 1s);
  }
  EXPECT_EQ(runs, 6);
  EXPECT_EQ(messages().size(), 6U) << "two for each of three occurrences";
}

TEST_F(ContinuationThatRunsAgain, OneThatIsMovedAndTwoThatAreAlikeAreNotTakenForEachOther) {
  const auto first = test::run_on(world.io(), world.proactive->continue_after(reference(), 1h, "follow", nullptr, {}));
  test::run_on(world.io(), world.proactive->continue_after(reference(), 1s, "follow", nullptr, {}));
  test::run_on(world.io(), world.proactive->send_now(first));
  world.pass(5s, 100ms);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(messages().size(), 4U);
}

TEST_F(ContinuationThatRunsAgain, ItsSendsSayWhoScheduledThem) {
  const auto handle = test::run_on(world.io(), world.proactive->continue_after(reference(), 1s, "follow", nullptr, {}));
  world.pass(5s, 100ms);
  ASSERT_EQ(messages().size(), 2U);
  EXPECT_THAT(messages().front().annotations, HasSubstr(handle.to_string()));
}

// A continuation that goes on where it had come to: what it sends the second time is not what it sent the first.
TEST(Continuation, OneThatGoesOnWhereItWasLosesNothing) {
  int steps = 0;
  BotWorld world([&steps] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_continue("steps", [&steps](TurnContext& turn) -> awaitable<void> {
      const bool first = steps++ == 0;
      if (first) {
        co_await turn.proactive().send_after(1h, Activity::message("one"));
        co_await turn.commit();
        throw_error(errc::storage_unavailable, "the outcome is lost");
      }
      co_await turn.proactive().send_after(1h, Activity::message("two"));
      co_await turn.proactive().send_after(1h, Activity::message("two"));
    });
    return bot;
  });
  const auto reference = world.message("x").reference();
  test::run_on(world.io(), world.proactive->continue_after(reference, 1s, "steps", nullptr, {}));
  world.pass(60s, 100ms);
  EXPECT_EQ(steps, 2);
  world.pass(2h, 10s);
  EXPECT_THAT(world.sender.texts(), testing::UnorderedElementsAre("one", "two", "two"));
}

// The same text at another time is another promise, and of two alike ones each is found again.
TEST(Continuation, OneThatPromisesTheSameForAnotherTimeLosesNothing) {
  int runs = 0;
  BotWorld world([&runs] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_continue("remind", [&runs](TurnContext& turn) -> awaitable<void> {
      const auto run = runs++;
      co_await turn.proactive().send_after(run == 0 ? 1h : 2h, Activity::message("reminder"));
      if (run == 2) {
        co_await turn.proactive().send_after(1h, Activity::message("reminder"));
      }
      co_await turn.commit();
      if (run < 2) {
        throw_error(errc::storage_unavailable, "the outcome is lost");
      }
    });
    return bot;
  });
  const auto reference = world.message("x").reference();
  test::run_on(world.io(), world.proactive->continue_after(reference, 1s, "remind", nullptr, {}));
  world.pass(60s, 100ms);
  EXPECT_EQ(runs, 3);
  world.pass(3h, 10s);
  EXPECT_THAT(world.sender.texts(), testing::ElementsAre("reminder", "reminder"));
}

}  // namespace
}  // namespace tern
