// What a bot may ask of a scheduled send, through the real runtime, scheduler and memory storage.

#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using test::message_bot;
using testing::ElementsAre;
using testing::IsEmpty;

runtime::Runtime::MakeBot silent_bot() {
  return message_bot([](TurnContext&) -> awaitable<void> { co_return; });
}

SendHandle schedule(BotWorld& world, std::chrono::milliseconds delay, const std::string& text, SendOptions options = {},
                    const std::string& conversation = "conv-1") {
  return test::run_on(world.io(), world.proactive->send_after(world.message("x", conversation).reference(), delay,
                                                              Activity::message(text), std::move(options)));
}

TEST(SendOptions, AReplyCancelsWhatWasToBeSentWithoutOne) {
  BotWorld world(silent_bot());
  schedule(world, 10s, "are you there?", SendOptions().cancel_on_reply());
  schedule(world, 10s, "anyway");
  schedule(world, 10s, "elsewhere", SendOptions().cancel_on_reply(), "conv-2");
  world.say("yes");
  world.pass(11s);
  EXPECT_THAT(world.sender.texts(), testing::UnorderedElementsAre("anyway", "elsewhere"));
}

TEST(SendOptions, WhatATurnSchedulesIsNotCancelledByItsOwnMessage) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    co_await turn.proactive().send_after(5s, Activity::message("still there?"), SendOptions().cancel_on_reply());
  }));
  world.say("one");
  world.pass(3s);
  world.say("two");
  world.pass(4s);
  EXPECT_THAT(world.sender.texts(), IsEmpty()) << "the second message cancelled the first question";
  world.pass(2s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("still there?"));
}

TEST(SendOptions, ARecurringSendComesAgainUntilItIsCancelled) {
  BotWorld world(silent_bot());
  const auto handle = schedule(world, 1s, "tick", SendOptions().every(Recurrence::every(60s)));
  world.pass(2s);
  EXPECT_EQ(world.sender.calls.size(), 1u);
  world.pass(120s, 100ms);
  EXPECT_EQ(world.sender.calls.size(), 3u);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->cancel(handle)), CancelOutcome::cancelled);
  world.pass(120s, 100ms);
  EXPECT_EQ(world.sender.calls.size(), 3u);
}

TEST(SendOptions, MissedTimesAreNotMadeUpFor) {
  BotWorld world(silent_bot());
  schedule(world, 1s, "tick", SendOptions().every(Recurrence::every(60s)));
  world.pass(2s);
  world.sender.takes = 200s;  // the channel is slow once
  world.pass(70s, 1s);
  world.sender.takes = 0s;
  world.pass(200s, 1s);
  EXPECT_LE(world.sender.calls.size(), 4u);
}

TEST(SendOptions, QuietHoursMoveWhatIsDueInThem) {
  BotWorld world(silent_bot());
  const auto now = world.clock.wall_now();
  const auto minute = std::chrono::floor<std::chrono::minutes>(now) - std::chrono::floor<std::chrono::days>(now);
  const auto at = [&](std::chrono::minutes offset) {
    const auto time = (minute + offset + 24h) % 24h;
    return TimeOfDay(static_cast<int>(time / 1h), static_cast<int>(time % 1h / 1min));
  };
  schedule(world, 1s, "quiet please", SendOptions().quiet_hours({at(-5min), at(3min)}));
  world.pass(90s, 100ms);
  EXPECT_THAT(world.sender.texts(), IsEmpty());
  world.pass(120s, 100ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("quiet please"));
}

TEST(SendOptions, AnUnknownTimeZoneIsRefused) {
  BotWorld world(silent_bot());
  EXPECT_THROW(schedule(world, 1s, "x", SendOptions().time_zone("Mars/Base")), system_error);
}

TEST(SendOptions, SendNowDoesNotWait) {
  BotWorld world(silent_bot());
  const auto handle = schedule(world, 1h, "now");
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->send_now(handle)));
  world.pass(100ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("now"));
}

TEST(SendOptions, AConversationIsCancelledAsAWhole) {
  BotWorld world(silent_bot());
  for (int i = 0; i < 5; ++i) {
    schedule(world, 1h, std::to_string(i));
  }
  schedule(world, 1s, "elsewhere", {}, "conv-2");
  EXPECT_EQ(test::run_on(world.io(), world.proactive->cancel_all(world.message("x").reference())), 5u);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->counts()).pending, 1u);
}

TEST(SendOptions, ADeadSendIsKeptAndCanBeSentAgain) {
  BotWorld world(silent_bot());
  world.sender.failures.push_back(std::make_exception_ptr(ChannelError(404, "no", std::nullopt)));
  schedule(world, 1s, "again");
  world.pass(2s);
  const auto dead = test::run_on(world.io(), world.proactive->dead_letters().list()).letters;
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].reason, "conversation_gone");
  EXPECT_TRUE(test::run_on(world.io(), world.proactive->dead_letters().redrive(dead[0].handle)));
  world.pass(100ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("again", "again"));
  EXPECT_FALSE(test::run_on(world.io(), world.proactive->dead_letters().discard(dead[0].handle)));
}

SendHandle schedule_for(BotWorld& world, const std::optional<std::string>& user, const std::string& text,
                        const std::string& conversation = "group") {
  auto reference = world.message("x", conversation).reference();
  if (user) {
    reference.set_user(ChannelAccount(*user));
  } else {
    reference.json().erase("user");
  }
  return test::run_on(world.io(), world.proactive->send_after(std::move(reference), 10s, Activity::message(text),
                                                              SendOptions().cancel_on_reply()));
}

void say_as(BotWorld& world, const std::string& user, const std::string& conversation = "group") {
  auto activity = world.message("hello", conversation);
  activity.set_from(ChannelAccount(user));
  world.receive(std::move(activity));
  world.settle();
}

TEST(SendOptions, InAGroupOnlyTheReplyOfWhoIsAddressedCancels) {
  BotWorld world(silent_bot());
  schedule_for(world, "user-a", "to a");
  schedule_for(world, "user-b", "to b");
  schedule_for(world, std::nullopt, "to all");
  say_as(world, "user-b");
  world.pass(11s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("to a"));
}

TEST(SendOptions, AReplyOfTheSameUserElsewhereCancelsNothing) {
  BotWorld world(silent_bot());
  schedule_for(world, "user-a", "to a");
  schedule_for(world, "a/users/b", "to the odd one");
  say_as(world, "user-a", "another");
  say_as(world, "b", "group/users/a");
  world.pass(11s);
  EXPECT_THAT(world.sender.texts(), testing::UnorderedElementsAre("to a", "to the odd one"));
}

TEST(SendOptions, WhatATurnInAGroupAsksForIsCancelledByItsOwnUser) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    if (turn.activity().text() == "ask me") {
      co_await turn.proactive().send_after(5s, Activity::message("are you there?"), SendOptions().cancel_on_reply());
    }
  }));
  const auto ask = [&] {
    auto activity = world.message("ask me", "group");
    activity.set_from(ChannelAccount("user-a"));
    world.receive(std::move(activity));
    world.settle();
  };
  ask();
  say_as(world, "user-b");
  world.pass(6s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("are you there?"));
  ask();
  say_as(world, "user-a");
  world.pass(6s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("are you there?"));
}

TEST(SendOptions, ARecurringSendEndsWithItsLastTimeBeforeItExpires) {
  BotWorld world(silent_bot());
  const auto now = world.clock.wall_now();
  schedule(world, 1s, "tick", SendOptions().every(Recurrence::every(60s)).expires(now + 150s));
  schedule(world, 1s, "to the second", SendOptions().every(Recurrence::every(60s)).expires(now + 121s), "conv-2");
  world.pass(10min, 100ms);
  EXPECT_THAT(world.sender.texts(),
              testing::UnorderedElementsAre("tick", "tick", "tick", "to the second", "to the second", "to the second"));
  const auto counts = test::run_on(world.io(), world.proactive->counts());
  EXPECT_EQ(counts.pending, 0u);
  EXPECT_EQ(counts.expired, 0u);
  EXPECT_EQ(counts.sent, 6u);
}

// What lies in quiet hours waits for their end, which is past the time at which it expires.
TEST(SendOptions, ARecurringSendEndsWhenQuietHoursCarryItPastItsEnd) {
  BotWorld world(silent_bot());
  const auto now = world.clock.wall_now();
  const auto minute = std::chrono::floor<std::chrono::minutes>(now) - std::chrono::floor<std::chrono::days>(now);
  const auto at = [&](std::chrono::minutes offset) {
    const auto time = (minute + offset + 24h) % 24h;
    return TimeOfDay(static_cast<int>(time / 1h), static_cast<int>(time % 1h / 1min));
  };
  schedule(world, 1s, "tick",
           SendOptions().every(Recurrence::every(1h)).quiet_hours({at(30min), at(90min)}).expires(now + 80min));
  world.pass(3h, 1s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("tick"));
  EXPECT_EQ(test::run_on(world.io(), world.proactive->counts()).pending, 0u);
}

// Kept from before: it has passed its end already.
TEST(SendOptions, ARecurringSendThatComesTooLateForAllItsTimesEnds) {
  BotWorld world(silent_bot());
  const auto now = world.clock.wall_now();
  world.sender.failures.assign(40, std::make_exception_ptr(ChannelError(503, "away", std::nullopt)));
  schedule(world, 1s, "tick", SendOptions().every(Recurrence::every(60s)).expires(now + 30s));
  world.pass(1h, 1s);
  const auto counts = test::run_on(world.io(), world.proactive->counts());
  EXPECT_EQ(counts.pending, 0u);
  EXPECT_EQ(counts.expired, 1u);
}

// Scheduled on a machine that knew the zone.
TEST(SendOptions, ATimeZoneThatIsGoneIsKeptByItsNameAndHoldsNothing) {
  BotWorld world(silent_bot());
  schedule(world, 1s, "tick", SendOptions().every(Recurrence::every(60s)).time_zone("Europe/Berlin"));
  auto send = world.records().at(0);
  const auto handle = send.handle;
  EXPECT_EQ(test::run_on(world.io(), world.proactive->cancel(handle)), CancelOutcome::cancelled);
  send.handle.id = new_send_id();
  const std::string known = "Europe/Berlin";
  send.annotations.replace(send.annotations.find(known), known.size(), "Europe/Atlantis");
  StoreChanges changes;
  changes.sends.push_back(send);
  ASSERT_TRUE(test::run_on(world.io(), world.storage.write(std::move(changes), Deadline::never())).has_value());
  world.pass(130s, 100ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("tick", "tick", "tick"));
  const auto left = test::run_on(world.io(), world.proactive->list({})).sends;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].time_zone, "Europe/Atlantis");
}

}  // namespace
}  // namespace tern
