#include "reminder_bot/reminder_bot.hpp"

#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

TEST(ReminderBot, NagsUntilItIsAnswered) {
  BotWorld world([] { return std::make_unique<::ReminderBot>(); });
  world.say("nag me in 10 s to pay");
  world.pass(10s);
  EXPECT_THAT(world.sender.texts(), Contains("Reminder: pay. Done?"));
  EXPECT_THAT(world.sender.texts(), Each(Not(HasSubstr("not answered"))));
  world.pass(10s);
  EXPECT_THAT(world.sender.texts(), Contains("You have not answered: pay!"));
}

TEST(ReminderBot, NagsNoMoreOnceItIsAnswered) {
  BotWorld world([] { return std::make_unique<::ReminderBot>(); });
  world.say("nag me in 10 s to pay");
  world.pass(12s);
  EXPECT_THAT(world.sender.texts(), Contains("Reminder: pay. Done?"));
  world.say("yes, yes");
  world.pass(60s);
  EXPECT_THAT(world.sender.texts(), Each(Not(HasSubstr("not answered"))));
}

TEST(ReminderBot, ComesAgainEachHourUntilItIsCancelled) {
  BotWorld world([] { return std::make_unique<::ReminderBot>(); });
  world.say("every hour to stand up");
  world.pass(3h, 1min);
  EXPECT_EQ(std::ranges::count(world.sender.texts(), "Reminder: stand up"), 3);
  world.say("list");
  world.say("cancel 1");
  EXPECT_THAT(world.sender.texts(), Contains("I will not remind you to stand up."));
  world.pass(3h, 1min);
  EXPECT_EQ(std::ranges::count(world.sender.texts(), "Reminder: stand up"), 3);
}

TEST(ReminderBot, QuietHoursPutOffWhatIsDue) {
  BotWorld world([] { return std::make_unique<::ReminderBot>(); });
  world.say("quiet 0:00 to 23:59");
  world.say("remind me in 20 s to sleep");
  world.pass(30s);
  EXPECT_THAT(world.sender.texts(), Each(Not(HasSubstr("Reminder:"))));
  world.pass(25h, 1min);
  EXPECT_THAT(world.sender.texts(), Contains("Reminder: sleep"));
}

}  // namespace
}  // namespace tern
