// Memory that runs out in the middle of what a container does, allocation by allocation.

#include "runtime/conversation_queues.hpp"
#include "runtime/dedupe_window.hpp"
#include "runtime/reference_capture.hpp"
#include "support/bot_world.hpp"
#include "support/failing_memory.hpp"
#include "turn/unit_of_work.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace tern::runtime {
namespace {

using test::fails_at;

Activity message_of(test::BotWorld& world, const std::string& url) {
  auto activity = world.message("hello");
  activity.set_service_url(url);
  return activity;
}

TEST(OutOfMemory, AReferenceThatWasWrittenOverIsNotTakenForStored) {
  test::BotWorld world(test::message_bot([](TurnContext&) -> awaitable<void> { co_return; }));
  LastConversations last(world.clock);
  ReferenceCapture capture("local", last, 4096, 2);
  const auto seen = [&](const Activity& activity) {
    detail::UnitOfWork work(world.runtime->environment(0), activity);
    return capture.observe(activity, work).value();
  };
  const auto first = message_of(world, "http://localhost:1");
  const auto second = message_of(world, "http://localhost:2");
  capture.written(seen(first));
  const auto stored = seen(second);
  ASSERT_TRUE(fails_at(1, [&] { capture.written(stored); }));
  EXPECT_TRUE(capture.has_news(first));
  EXPECT_TRUE(capture.has_news(second));
}

// The first bits choose a table, so that many of them grow.
DedupeWindow::WrittenKey named(std::uint64_t number) {
  const auto hash = number << 56 | number;
  return {hash, hash, "a key"};
}

TEST(OutOfMemory, TheDedupeWindowForgetsWhatItCouldNotIndex) {
  int failed = 0;
  for (int nth = 1; nth <= 4; ++nth) {
    ManualClock clock;
    DedupeWindow window(100'000, std::chrono::seconds(1));
    for (std::uint64_t i = 0; i < 3'000; ++i) {
      const TurnReply reply(std::string(i % 700, 'x'));
      const bool fails = i % 3 == 0 && fails_at(nth, [&] { window.remember(named(i), reply, clock.now()); });
      failed += fails ? 1 : 0;
      if (i % 3 != 0) {
        window.remember(named(i), reply, clock.now());
      }
      ASSERT_EQ(window.find(named(i), clock.now()) != nullptr, !fails) << i;
      ASSERT_LE(window.bytes(), 100'000U);
      clock.advance(std::chrono::milliseconds(i % 20));
    }
    clock.advance(std::chrono::seconds(1));
    for (int i = 0; i < 1'000; ++i) {
      window.find(named(0), clock.now());  // each forgets some
    }
    EXPECT_EQ(window.bytes(), 0U);
    EXPECT_EQ(window.size(), 0U);
  }
  EXPECT_GT(failed, 10);
}

struct Item : Queued {
  Item() : Queued(key()) {}
  static ConversationKey key() { return {"emulator", "conversation"}; }
};

TEST(OutOfMemory, ATurnThatIsNotAdmittedForWantOfMemoryLeavesItsConversationAsItWas) {
  ConversationQueues queues(10);
  Item running;
  Item waiting;
  ASSERT_TRUE(fails_at(1, [&] { queues.enter(running); }));
  EXPECT_EQ(queues.conversations(), 0U);
  EXPECT_EQ(queues.enter(running), ConversationQueues::Admission::start);
  ASSERT_TRUE(fails_at(1, [&] { queues.enter(waiting); }));
  EXPECT_FALSE(waiting.waiting());
  EXPECT_EQ(queues.enter(waiting), ConversationQueues::Admission::wait);
  EXPECT_EQ(queues.next(Item::key()), &waiting);
  EXPECT_EQ(queues.next(Item::key()), nullptr);
}

}  // namespace
}  // namespace tern::runtime
