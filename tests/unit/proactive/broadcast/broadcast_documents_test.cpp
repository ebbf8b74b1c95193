// What a broadcast leaves in the store: while it is begun, as it goes, and when it is forgotten.

#include "support/bot_world.hpp"
#include "turn/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;

class BroadcastDocuments : public ::testing::Test {
 protected:
  std::vector<ConversationReference> list(int conversations) {
    std::vector<ConversationReference> made;
    for (int i = 0; i < conversations; ++i) {
      made.push_back(world.message("x", "listed-" + std::to_string(i)).reference());
    }
    return made;
  }
  std::string begin(Recipients recipients, BroadcastOptions options) {
    return test::run_on(world.io(),
                        world.proactive->broadcasts().start(std::move(recipients), Activity::message("news"), options));
  }
  bool forget(const std::string& id) { return test::run_on(world.io(), world.proactive->broadcasts().forget(id)); }
  std::vector<std::string> documents(const std::string& id) {
    const auto page = test::run_on(
        world.io(), world.storage.scan(StoreScan(tern::detail::broadcast_key("local", id), 1'000), Deadline::never()));
    std::vector<std::string> keys;
    for (const auto& item : page.items) {
      keys.push_back(item.key);
    }
    return keys;
  }
  std::uint64_t pending() { return test::run_on(world.io(), world.proactive->counts()).pending; }
  void expect_each(std::size_t conversations, int times) const {
    std::map<std::string, int> received;
    for (const auto& call : world.sender.calls) {
      ++received[std::string(call.activity.conversation_id().value_or(""))];
    }
    EXPECT_EQ(received.size(), conversations);
    for (const auto& [conversation, count] : received) {
      EXPECT_EQ(count, times) << conversation;
    }
  }

  std::shared_ptr<test::StorageFaults> faults = std::make_shared<test::StorageFaults>();
  BotWorld world{test::message_bot([](TurnContext&) -> awaitable<void> { co_return; }), runtime::RuntimeOptions(), true,
                 proactive::SchedulerOptions(), faults};
};

TEST_F(BroadcastDocuments, AListIsUsedUpAsItGoes) {
  begin(Recipients::of(list(100)), BroadcastOptions().id("friday").rate(5));
  world.settle();
  EXPECT_EQ(documents("friday").size(), 20U) << "itself, ten that were taken, and nine of its list";
  world.pass(25s);
  expect_each(100, 1);
  EXPECT_EQ(documents("friday").size(), 101U) << "itself, and an outcome for each";
  EXPECT_EQ(pending(), 0U);
}

TEST_F(BroadcastDocuments, OneThatIsOverIsForgotten) {
  const auto recipients = Recipients::of(list(30));
  EXPECT_FALSE(forget("friday"));
  begin(recipients, BroadcastOptions().id("friday"));
  EXPECT_FALSE(forget("friday")) << "it runs";
  world.pass(5s);
  EXPECT_TRUE(forget("friday"));
  EXPECT_TRUE(documents("friday").empty());
  EXPECT_FALSE(test::run_on(world.io(), world.proactive->broadcasts().progress("friday")));
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().outcomes("friday", {}, 100)).outcomes.empty());
  EXPECT_FALSE(forget("friday"));

  begin(recipients, BroadcastOptions().id("friday"));
  world.pass(5s);
  expect_each(30, 2);
}

TEST_F(BroadcastDocuments, ACancelledOneIsForgottenWithItsList) {
  begin(Recipients::of(list(100)), BroadcastOptions().id("friday").rate(5));
  world.pass(1s);
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->broadcasts().cancel("friday")));
  world.pass(5s);
  EXPECT_GT(documents("friday").size(), 11U);
  EXPECT_TRUE(forget("friday"));
  EXPECT_TRUE(documents("friday").empty());
}

// Its outcome would stand in the store for good.
TEST_F(BroadcastDocuments, OneIsNotForgottenWhileASendOfItIsPending) {
  bool away = true;
  world.sender.judge = [&](const Activity& activity) {
    if (away && activity.conversation_id() == "listed-7") {
      throw ChannelError(429, "later", 60s);
    }
  };
  begin(Recipients::of(list(30)), BroadcastOptions().id("friday"));
  world.pass(10s);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->broadcasts().progress("friday"))->state, BroadcastState::done);
  EXPECT_FALSE(forget("friday"));
  EXPECT_EQ(documents("friday").size(), 31U) << "nothing was removed";
  away = false;
  world.pass(5min, 1s);
  EXPECT_TRUE(forget("friday"));
  EXPECT_TRUE(documents("friday").empty());
}

TEST_F(BroadcastDocuments, ForgettingFailsAtEachStepAndIsDoneAgain) {
  for (long calls = 0;; ++calls) {
    begin(Recipients::of(list(5)), BroadcastOptions().id("friday"));
    world.pass(2s);
    faults->calls_left = calls;
    bool failed = false;
    try {
      EXPECT_TRUE(forget("friday"));
    } catch (const system_error&) {
      failed = true;
    }
    faults->calls_left = -1;
    if (!failed) {
      EXPECT_GT(calls, 3);
      break;
    }
    EXPECT_TRUE(forget("friday")) << calls;
    EXPECT_TRUE(documents("friday").empty()) << calls;
  }
}

TEST_F(BroadcastDocuments, AnInterruptedBeginLeavesNothingAndIsBegunAgain) {
  const auto recipients = Recipients::of(list(150));
  for (long calls = 0;; ++calls) {
    world.sender.calls.clear();
    faults->calls_left = calls;
    bool failed = false;
    try {
      begin(recipients, BroadcastOptions().id("friday").rate(1));
    } catch (const system_error&) {
      failed = true;
    }
    faults->calls_left = -1;
    if (!failed) {
      EXPECT_GE(calls, 4) << "a look whether it is there, two writes of the list, and the last";
      break;
    }
    EXPECT_EQ(begin(recipients, BroadcastOptions().id("friday").rate(1)), "friday");
    world.pass(2h, 1s);
    expect_each(150, 1);
    EXPECT_EQ(documents("friday").size(), 151U) << "nothing of the list that came to nothing, after " << calls;
    EXPECT_EQ(pending(), 0U);
    EXPECT_TRUE(forget("friday"));
  }
}

TEST_F(BroadcastDocuments, TwoThatBeginTheSameAtOnceAreOne) {
  const auto recipients = Recipients::of(list(20));
  std::vector<std::string> ids;
  for (int i = 0; i < 2; ++i) {
    auto one =
        world.proactive->broadcasts().start(recipients, Activity::message("news"), BroadcastOptions().id("friday"));
    asio::co_spawn(world.io(), std::move(one), [&](std::exception_ptr error, std::string id) {
      EXPECT_FALSE(error);
      ids.push_back(std::move(id));
    });
  }
  world.settle();
  world.pass(2h, 1s);
  EXPECT_THAT(ids, testing::ElementsAre("friday", "friday"));
  expect_each(20, 1);
  EXPECT_EQ(documents("friday").size(), 21U) << "the list of the one that came second is gone";
  EXPECT_EQ(pending(), 0U);
}

}  // namespace
}  // namespace tern
