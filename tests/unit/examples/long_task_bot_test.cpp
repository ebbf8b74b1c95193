#include "long_task_bot/long_task_bot.hpp"

#include <tern/testing.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace {

using namespace std::chrono_literals;
using tern::test::World;
using testing::Contains;
using testing::HasSubstr;

TEST(LongTaskBot, UnderstandsWhatMentionsIt) {
  World world = World::of<LongTaskBot>();
  const auto ada = world.user("ada").in_group("19:channel@thread;messageid=1");
  for (const auto* text : {"<at>Bot</at> start 3", "<at>Bot</at> tasks", "<at>Bot</at>&nbsp;Start 2"}) {
    auto message = tern::Activity::message(text);
    message.add_entity(tern::Mention(tern::ChannelAccount("bot-1", "Bot"), ""));
    ada.send(std::move(message));
  }
  EXPECT_THAT(ada.texts(), Contains("Task 1 has begun: 3 seconds."));
  EXPECT_THAT(ada.texts(), Contains(HasSubstr("- Task 1: 3 seconds")));
  EXPECT_THAT(ada.texts(), Contains("Task 2 has begun: 2 seconds."));
  world.advance(4s);
  EXPECT_THAT(ada.texts(), Contains("Task 1 is done after 3 seconds."));
}

TEST(LongTaskBot, UnderstandsWhatIsSaidToItAlone) {
  World world = World::of<LongTaskBot>();
  const auto ada = world.user("ada");
  ada.say(" start 1 ");
  EXPECT_THAT(ada.texts(), Contains("Task 1 has begun: 1 second."));
}

}  // namespace
