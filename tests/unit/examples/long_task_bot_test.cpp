#include "long_task_bot/long_task_bot.hpp"

#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using testing::Contains;
using testing::HasSubstr;

TEST(LongTaskBot, UnderstandsWhatMentionsIt) {
  BotWorld world([] { return std::make_unique<::LongTaskBot>(); });
  for (const auto* text : {"<at>Bot</at> start 3", "<at>Bot</at> tasks", "<at>Bot</at>&nbsp;Start 2"}) {
    auto activity = world.message(text, "19:channel@thread;messageid=1");
    activity.add_entity(Entity(json::object{{"type", "mention"}, {"mentioned", {{"id", "bot-1"}, {"name", "Bot"}}}}));
    world.receive(std::move(activity));
    world.settle();
  }
  EXPECT_THAT(world.sender.texts(), Contains("Task 1 has begun: 3 seconds."));
  EXPECT_THAT(world.sender.texts(), Contains(HasSubstr("- Task 1: 3 seconds")));
  EXPECT_THAT(world.sender.texts(), Contains("Task 2 has begun: 2 seconds."));
  world.pass(4s);
  EXPECT_THAT(world.sender.texts(), Contains("Task 1 is done after 3 seconds."));
}

TEST(LongTaskBot, UnderstandsWhatIsSaidToItAlone) {
  BotWorld world([] { return std::make_unique<::LongTaskBot>(); });
  world.say(" start 1 ");
  EXPECT_THAT(world.sender.texts(), Contains("Task 1 has begun: 1 second."));
}

}  // namespace
}  // namespace tern
