#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using test::message_bot;
using testing::ElementsAre;

runtime::Runtime::MakeBot working_bot(std::chrono::milliseconds length, std::vector<BackgroundTask>* tasks = nullptr) {
  return message_bot([length, tasks](TurnContext& turn) -> awaitable<void> {
    auto task = turn.run_in_background([length](Conversation conversation) -> awaitable<void> {
      co_await conversation.sleep_for(length);
      co_await conversation.send("done");
    });
    if (tasks != nullptr) {
      tasks->push_back(std::move(task));
    }
    co_return;
  });
}

TEST(Background, TheTurnEndsAtOnceAndTypingIsShownUntilTheAnswer) {
  BotWorld world(working_bot(5s));
  auto reply = world.say("x");
  EXPECT_TRUE(reply->reply);
  world.pass(400ms);
  EXPECT_EQ(world.sender.count("typing"), 0U);
  world.pass(200ms);
  EXPECT_EQ(world.sender.count("typing"), 1U);
  world.pass(4300ms);
  EXPECT_EQ(world.sender.count("typing"), 3U) << "0.5 s, 2.5 s, 4.5 s";
  world.pass(200ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("done"));
  world.pass(10s, 100ms);
  EXPECT_EQ(world.sender.count("typing"), 3U);
  const auto& typing = world.sender.calls.at(0).activity;
  EXPECT_FALSE(typing.reply_to_id());
  EXPECT_EQ(typing.recipient_id(), "user-1");
}

TEST(Background, SeveralTasksOfAConversationShareOneIndicator) {
  BotWorld world(working_bot(3s));
  world.say("a");
  world.say("b");
  world.pass(2700ms);
  EXPECT_EQ(world.sender.count("typing"), 2U);
  world.pass(1s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("done", "done"));
}

// The turn that began the work was answered long ago: nobody else would say it again.
TEST(Background, AMessageThatTheChannelRefusesForNowIsTriedAgain) {
  BotWorld world(working_bot(5s));
  int refused = 0;
  world.sender.judge = [&](const Activity& activity) {
    if (activity.is(activity_types::message) && refused++ < 2) {
      throw ChannelError(429, "TooManyRequests", 1s);
    }
  };
  world.say("x");
  world.pass(5s);
  EXPECT_EQ(refused, 1);
  world.pass(10s, 100ms);
  EXPECT_EQ(refused, 3);
  EXPECT_THAT(world.sender.texts(), ElementsAre("done", "done", "done")) << "one has arrived";
  const auto& calls = world.sender.calls;
  EXPECT_EQ(calls.back().activity.recipient_id(), "user-1");
}

TEST(Background, AMessageThatTheChannelRefusesForGoodIsNotTriedAgain) {
  BotWorld world(working_bot(5s));
  int refused = 0;
  world.sender.judge = [&](const Activity& activity) {
    if (activity.is(activity_types::message)) {
      ++refused;
      throw ChannelError(403, "Forbidden", std::nullopt);
    }
  };
  world.say("x");
  world.pass(20s, 100ms);
  EXPECT_EQ(refused, 1);
}

TEST(Background, CanBeCancelled) {
  std::vector<BackgroundTask> tasks;
  BotWorld world(working_bot(5s, &tasks));
  world.say("x");
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_TRUE(tasks[0].running());
  EXPECT_TRUE(tasks[0].cancel());
  world.settle();
  EXPECT_FALSE(tasks[0].running());
  EXPECT_FALSE(tasks[0].cancel());
  world.pass(10s, 100ms);
  EXPECT_TRUE(world.sender.calls.empty());
}

TEST(Background, IsRefusedWhileProactiveMessagesAreOff) {
  error_code code;
  const auto bot = test::message_bot([&code](TurnContext& turn) -> awaitable<void> {
    try {
      turn.run_in_background([](Conversation) -> awaitable<void> { co_return; });
    } catch (const system_error& e) {
      code = e.code();
    }
    co_return;
  });
  BotWorld world(bot, runtime::RuntimeOptions(), false);
  world.say("x");
  EXPECT_EQ(code, errc::proactive_disabled);
}

TEST(Background, IsBounded) {
  runtime::RuntimeOptions options;
  options.background_tasks = 1;
  BotWorld world(working_bot(5s), options);
  EXPECT_EQ(world.say("a")->status(), 200U);
  EXPECT_EQ(world.say("b")->status(), 500U);
  world.pass(6s);
  EXPECT_EQ(world.say("c")->status(), 200U);
}

TEST(Background, ADrainWaitsForItAndCancelsItAtTheDeadline) {
  for (const bool in_time : {true, false}) {
    BotWorld world(working_bot(5s));
    world.say("x");
    std::optional<bool> clean;
    asio::co_spawn(world.io(), world.runtime->drain_background(Deadline::after(in_time ? 10s : 1s, world.clock)),
                   [&clean](std::exception_ptr, bool value) { clean = value; });
    world.pass(5100ms);
    EXPECT_EQ(clean, in_time);
    EXPECT_EQ(world.sender.texts().size(), in_time ? 1U : 0U);
  }
}

}  // namespace
}  // namespace tern
