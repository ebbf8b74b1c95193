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

// In a group and in a channel a bot hears only what mentions it.
void say_in_group(BotWorld& world, const std::string& text, const std::string& extra = "{}") {
  auto activity = world.message(text, "19:group@thread");
  activity.add_entity(Mention(ChannelAccount("BOT-1", "Bot"), ""));
  const auto more = json::parse(extra);
  for (const auto& [name, value] : more.as_object()) {
    activity.json()[name] = value;
  }
  world.receive(std::move(activity));
  world.settle();
}

TEST(ReminderBot, UnderstandsWhatMentionsIt) {
  BotWorld world([] { return std::make_unique<::ReminderBot>(); });
  say_in_group(world, "<at>Bot</at> remind me in 20 s to stretch");
  EXPECT_THAT(world.sender.texts(), Contains(HasSubstr("I will remind you to stretch")));
  world.pass(21s);
  EXPECT_THAT(world.sender.texts(), Contains("Reminder: stretch"));
  say_in_group(world, "<at>Bot</at>\u00a0list");
  EXPECT_THAT(world.sender.texts(), Contains("I have nothing to remind you of."));
}

TEST(ReminderBot, AnswersInTheZoneOfTheUsersDevice) {
  BotWorld world([] { return std::make_unique<::ReminderBot>(); });
  say_in_group(world, "<at>Bot</at> remind me at 9 to eat", R"({"localTimezone":"Asia/Tokyo"})");
  EXPECT_THAT(world.sender.texts(), Contains(HasSubstr("(Asia/Tokyo).")));
  say_in_group(world, "<at>Bot</at> remind me at 9 to eat",
               R"({"localTimezone":"Nowhere","localTimestamp":"2026-11-28T10:00:00+05:30"})");
  EXPECT_THAT(world.sender.texts(), Contains(testing::AllOf(HasSubstr("(UTC+05:30)"), HasSubstr("summer time"))));
}

// Only who was asked can answer.
TEST(ReminderBot, NagsOnWhenSomebodyElseInTheGroupWrites) {
  BotWorld world([] { return std::make_unique<::ReminderBot>(); });
  say_in_group(world, "<at>Bot</at> nag me in 10 s to pay");
  world.pass(12s);
  say_in_group(world, "<at>Bot</at> hello", R"({"from":{"id":"user-2"}})");
  world.pass(12s);
  EXPECT_THAT(world.sender.texts(), Contains("You have not answered: pay!"));
}

}  // namespace
}  // namespace tern
