#include "reminder_bot/reminder_bot.hpp"

#include <tern/testing.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace {

using namespace std::chrono_literals;
using tern::test::User;
using tern::test::World;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

TEST(ReminderBot, NagsUntilItIsAnswered) {
  World world = World::of<ReminderBot>();
  const auto ada = world.user("ada");
  ada.say("nag me in 10 s to pay");
  world.advance(10s);
  EXPECT_THAT(ada.texts(), Contains("Reminder: pay. Done?"));
  EXPECT_THAT(ada.texts(), Each(Not(HasSubstr("not answered"))));
  world.advance(10s);
  EXPECT_THAT(ada.texts(), Contains("You have not answered: pay!"));
}

TEST(ReminderBot, NagsNoMoreOnceItIsAnswered) {
  World world = World::of<ReminderBot>();
  const auto ada = world.user("ada");
  ada.say("nag me in 10 s to pay");
  world.advance(12s);
  EXPECT_THAT(ada.texts(), Contains("Reminder: pay. Done?"));
  ada.say("yes, yes");
  world.advance(60s);
  EXPECT_THAT(ada.texts(), Each(Not(HasSubstr("not answered"))));
  world.expect_nothing_pending();
}

TEST(ReminderBot, ComesAgainEachHourUntilItIsCancelled) {
  World world = World::of<ReminderBot>();
  const auto ada = world.user("ada");
  ada.say("every hour to stand up");
  world.advance(3h);
  EXPECT_EQ(std::ranges::count(ada.texts(), "Reminder: stand up"), 3);
  ada.say("list");
  ada.say("cancel 1");
  EXPECT_THAT(ada.texts(), Contains("I will not remind you to stand up."));
  world.advance(3h);
  EXPECT_EQ(std::ranges::count(ada.texts(), "Reminder: stand up"), 3);
}

TEST(ReminderBot, QuietHoursPutOffWhatIsDue) {
  World world = World::of<ReminderBot>();
  const auto ada = world.user("ada");
  ada.say("quiet 0:00 to 23:59");
  ada.say("remind me in 20 s to sleep");
  world.advance(30s);
  EXPECT_THAT(ada.texts(), Each(Not(HasSubstr("Reminder:"))));
  world.advance(25h);
  EXPECT_THAT(ada.texts(), Contains("Reminder: sleep"));
}

// In a group and in a channel a bot hears only what mentions it.
void say_in_group(const User& user, const std::string& text, const std::string& extra = "{}") {
  auto message = tern::Activity::message(text);
  message.add_entity(tern::Mention(tern::ChannelAccount("BOT-1", "Bot"), ""));
  const auto more = tern::json::parse(extra);
  for (const auto& [name, value] : more.as_object()) {
    message.json()[name] = value;
  }
  user.in_group("19:group@thread").send(std::move(message));
}

TEST(ReminderBot, UnderstandsWhatMentionsIt) {
  World world = World::of<ReminderBot>();
  const auto ada = world.user("ada").in_group("19:group@thread");
  say_in_group(ada, "<at>Bot</at> remind me in 20 s to stretch");
  EXPECT_THAT(ada.texts(), Contains(HasSubstr("I will remind you to stretch")));
  world.advance(21s);
  EXPECT_THAT(ada.texts(), Contains("Reminder: stretch"));
  say_in_group(ada, "<at>Bot</at>\u00a0list");
  EXPECT_THAT(ada.texts(), Contains("I have nothing to remind you of."));
}

TEST(ReminderBot, AnswersInTheZoneOfTheUsersDevice) {
  World world = World::of<ReminderBot>();
  const auto ada = world.user("ada").in_group("19:group@thread");
  say_in_group(ada.with_time_zone("Asia/Tokyo"), "<at>Bot</at> remind me at 9 to eat");
  EXPECT_THAT(ada.texts(), Contains(HasSubstr("(Asia/Tokyo).")));
  say_in_group(ada, "<at>Bot</at> remind me at 9 to eat",
               R"({"localTimezone":"Nowhere","localTimestamp":"2026-11-28T10:00:00+05:30"})");
  EXPECT_THAT(ada.texts(), Contains(AllOf(HasSubstr("(UTC+05:30)"), HasSubstr("summer time"))));
}

// Only who was asked can answer.
TEST(ReminderBot, NagsOnWhenSomebodyElseInTheGroupWrites) {
  World world = World::of<ReminderBot>();
  const auto ada = world.user("ada").in_group("19:group@thread");
  say_in_group(ada, "<at>Bot</at> nag me in 10 s to pay");
  world.advance(12s);
  say_in_group(world.user("bob"), "<at>Bot</at> hello");
  world.advance(12s);
  EXPECT_THAT(ada.texts(), Contains("You have not answered: pay!"));
}

}  // namespace
