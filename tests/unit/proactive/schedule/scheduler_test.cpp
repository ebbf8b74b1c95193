#include "support/bot_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace tern {
namespace {

using namespace std::chrono_literals;
using test::BotWorld;
using test::message_bot;
using testing::ElementsAre;

runtime::Runtime::MakeBot silent_bot() {
  return message_bot([](TurnContext&) -> awaitable<void> { co_return; });
}

SendHandle schedule(BotWorld& world, std::chrono::milliseconds delay, const std::string& text,
                    const std::string& conversation = "conv-1", SendOptions options = {}) {
  return test::run_on(world.io(), world.proactive->send_after(world.message("x", conversation).reference(), delay,
                                                              Activity::message(text), std::move(options)));
}

std::exception_ptr channel_error(int status, std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  return std::make_exception_ptr(ChannelError(status, "said so", retry_after));
}

TEST(Scheduler, SendsWhenDueNeverEarlyAndAsNoReply) {
  BotWorld world(silent_bot());
  schedule(world, 3s, "later");
  world.pass(2999ms, 1ms);
  EXPECT_TRUE(world.sender.calls.empty());
  world.pass(2ms, 1ms);
  ASSERT_EQ(world.sender.calls.size(), 1U);
  const auto& sent = world.sender.calls[0].activity;
  EXPECT_EQ(sent.text(), "later");
  EXPECT_FALSE(sent.reply_to_id());
  EXPECT_FALSE(sent.id());
  EXPECT_EQ(sent.recipient_id(), "user-1");
  world.pass(60s, 1s);
  EXPECT_EQ(world.sender.calls.size(), 1U);
}

TEST(Scheduler, SendsWhatATurnPromisedOnceItCommits) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    co_await turn.send_typing();
    co_await turn.proactive().send_after(3s, Activity::message("You said it"));
  }));
  auto reply = world.say("x");
  EXPECT_EQ(reply->status(), 200U);
  EXPECT_EQ(world.runtime->turns_in_flight(), 0U) << "no turn is kept open";
  world.pass(2900ms);
  EXPECT_TRUE(world.sender.texts().empty());
  world.pass(200ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("You said it"));
}

TEST(Scheduler, FiguresSayWhatIsPendingAndHowLongTheFirstIsDue) {
  BotWorld world(silent_bot());
  schedule(world, 90min, "far");
  world.pass(76s, 1s);
  EXPECT_THAT(world.metrics.expose(), testing::HasSubstr("\ntern_pending_sends 1\n"));
  EXPECT_THAT(world.metrics.expose(), testing::HasSubstr("\ntern_schedule_oldest_due_seconds 0\n"));
  EXPECT_THAT(world.metrics.expose(), testing::HasSubstr("\ntern_pending_sends_by_hour{hour=\"0\"} 0\n"));
  EXPECT_THAT(world.metrics.expose(), testing::HasSubstr("\ntern_pending_sends_by_hour{hour=\"1\"} 1\n"));
  EXPECT_THAT(world.metrics.expose(), testing::HasSubstr("\ntern_schedule_slots 64\n"));
  EXPECT_THAT(world.metrics.expose(), testing::HasSubstr("tern_schedule_slot_changes_total{change=\"taken\"} 64\n"));
}

// What tells the window of a commit may fail, or come while a page is read: the store's inbox has it too.
TEST(Scheduler, ACommitThatTheWindowWasNotToldOfIsSent) {
  BotWorld world(silent_bot());
  schedule(world, 10h, "model");
  auto send = world.records().at(0);
  send.handle.due = world.clock.wall_now() + 1s;
  send.handle.id = new_send_id();
  send.client_request_id = "another";
  StoreChanges changes;
  changes.sends.push_back(send);
  ASSERT_TRUE(test::run_on(world.io(), world.storage.write(std::move(changes), Deadline::never())).has_value());
  world.pass(1200ms);
  EXPECT_EQ(world.sender.texts().size(), 1U);
}

TEST(Scheduler, LooksOnceForWhatWasCommittedHere) {
  auto faults = std::make_shared<test::StorageFaults>();
  BotWorld world(silent_bot(), runtime::RuntimeOptions(), true, proactive::SchedulerOptions(), faults);
  for (int i = 0; i < 20; ++i) {
    schedule(world, std::chrono::milliseconds(10 * i), "x", "conv-" + std::to_string(i % 3));
  }
  world.pass(5s);
  EXPECT_EQ(world.sender.texts().size(), 20U);
  EXPECT_EQ(faults->fetched, 20U);
}

TEST(Scheduler, ASendKnowsTheActivityWhoseTurnScheduledIt) {
  BotWorld world(message_bot(
      [](TurnContext& turn) -> awaitable<void> { co_await turn.proactive().send_after(1h, Activity::message("x")); }));
  world.say("x", "conv-1", "the-activity");
  const auto page = test::run_on(world.io(), world.proactive->list({}));
  ASSERT_EQ(page.sends.size(), 1U);
  EXPECT_EQ(page.sends[0].scheduled_by, "the-activity");
}

// More than half of the window waits for one moment: the shard is not to spin until then.
TEST(Scheduler, AWindowThatIsHalfFullWaitsForWhatIsDue) {
  proactive::SchedulerOptions options;
  options.window_entries = 8;
  BotWorld world(silent_bot(), {}, true, options);
  for (int i = 0; i < 20; ++i) {
    schedule(world, 40s, std::to_string(i), "conv-" + std::to_string(i));
  }
  world.pass(39s, 100ms);
  EXPECT_TRUE(world.sender.texts().empty());
  world.pass(30s, 100ms);
  EXPECT_EQ(world.sender.texts().size(), 20U);
}

TEST(Scheduler, SendsFarAheadAreLoadedWhenTheyComeNear) {
  BotWorld world(silent_bot());
  schedule(world, 10min, "far");
  schedule(world, 45s, "near");
  world.pass(9min, 1s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("near"));
  world.pass(61s, 100ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("near", "far"));
}

// Ten thousand pending sends wait behind one timer, which is what `waiting` counts besides the wheel's.
TEST(Scheduler, TenThousandPendingCostOneTimerAndKeepTheOrderOfEachConversation) {
  constexpr int conversations = 100;
  constexpr int each = 100;
  BotWorld world(silent_bot());
  const auto timers_at_rest = world.clock.waiting();
  std::map<SendHandle, int> handles;
  for (int i = 0; i < conversations * each; ++i) {
    // Due times in no order of their making, three seconds apart at most, many of them alike.
    const auto due = std::chrono::milliseconds(100 + (i * 7919) % 3000 / 10 * 10);
    schedule(world, due, std::to_string(due.count()) + "/" + std::to_string(i),
             "conv-" + std::to_string(i % conversations));
  }
  world.settle();
  EXPECT_LE(world.clock.waiting(), timers_at_rest + 1);
  world.pass(3200ms, 10ms);
  ASSERT_EQ(world.sender.calls.size(), static_cast<std::size_t>(conversations * each));
  std::map<std::string, std::pair<int, int>> last;
  for (const auto& call : world.sender.calls) {
    const std::string text(call.activity.text());
    const std::pair now{std::stoi(text), std::stoi(text.substr(text.find('/') + 1))};
    auto& before = last[std::string(*call.activity.conversation_id())];
    EXPECT_LT(before, now) << "by due time, then in the order of scheduling";
    before = now;
  }
}

TEST(Scheduler, OneSendOfAConversationIsUnderWayAtATime) {
  BotWorld world(silent_bot());
  world.sender.takes = 50ms;
  for (int i = 0; i < 5; ++i) {
    schedule(world, 100ms, std::to_string(i));
  }
  schedule(world, 100ms, "elsewhere", "conv-2");
  world.pass(1s);
  EXPECT_EQ(world.sender.most_under_way, 2U);
  auto texts = world.sender.texts();
  std::erase(texts, "elsewhere");
  EXPECT_THAT(texts, ElementsAre("0", "1", "2", "3", "4"));
}

TEST(Scheduler, SendsUnderWayAreBounded) {
  proactive::SchedulerOptions options;
  options.in_flight = 8;
  BotWorld world(silent_bot(), runtime::RuntimeOptions(), true, options);
  world.sender.takes = 50ms;
  for (int i = 0; i < 100; ++i) {
    schedule(world, 100ms, "x", "conv-" + std::to_string(i));
  }
  world.pass(2s);
  EXPECT_EQ(world.sender.calls.size(), 100U);
  EXPECT_LE(world.sender.most_under_way, 8U);
}

TEST(Scheduler, ACancelledSendIsNeverSent) {
  BotWorld world(silent_bot());
  const auto handle = schedule(world, 1s, "no");
  schedule(world, 1s, "yes");
  EXPECT_EQ(test::run_on(world.io(), world.proactive->cancel(handle)), CancelOutcome::cancelled);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->cancel(handle)), CancelOutcome::too_late);
  world.pass(2s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("yes"));
}

TEST(Scheduler, CancelIsTooLateOnceTheSendIsUnderWay) {
  BotWorld world(silent_bot());
  world.sender.takes = 100ms;
  const auto handle = schedule(world, 10ms, "on its way");
  world.pass(50ms);
  EXPECT_EQ(test::run_on(world.io(), world.proactive->cancel(handle)), CancelOutcome::too_late);
  world.pass(1s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("on its way"));
}

TEST(Scheduler, ASendCanBeMoved) {
  BotWorld world(silent_bot());
  const auto handle = schedule(world, 1h, "moved");
  const auto moved = test::run_on(world.io(), world.proactive->reschedule(handle, world.clock.wall_now() + 2s));
  ASSERT_TRUE(moved);
  world.pass(1900ms);
  EXPECT_TRUE(world.sender.calls.empty());
  world.pass(200ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("moved"));
  EXPECT_FALSE(test::run_on(world.io(), world.proactive->reschedule(*moved, world.clock.wall_now())));
}

TEST(Scheduler, ASendIsNotMovedBeyondTheHorizon) {
  BotWorld world(silent_bot());
  const auto handle = schedule(world, 1h, "stays");
  try {
    (void)test::run_on(world.io(), world.proactive->reschedule(handle, WallTime::max()));
    FAIL() << "moved";
  } catch (const system_error& e) {
    EXPECT_EQ(e.code(), errc::invalid_argument);
  }
  world.pass(1h);
  EXPECT_THAT(world.sender.texts(), ElementsAre("stays"));
}

TEST(Scheduler, ATurnMayTakeBackWhatItHasScheduled) {
  BotWorld world(message_bot([](TurnContext& turn) -> awaitable<void> {
    auto handle = co_await turn.proactive().send_after(1s, Activity::message("no"));
    auto outcome = co_await turn.proactive().cancel(handle);
    auto kept = co_await turn.proactive().send_after(1s, Activity::message("moved"));
    auto moved = co_await turn.proactive().reschedule(kept, turn.clock().wall_now() + 5s);
    if (outcome != CancelOutcome::cancelled || !moved) {
      throw std::logic_error("not taken back");
    }
  }));
  EXPECT_EQ(world.say("x")->status(), 200U);
  world.pass(4s);
  EXPECT_TRUE(world.sender.calls.empty());
  world.pass(2s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("moved"));
}

TEST(Scheduler, ARepeatedKeyIsStoredOnce) {
  BotWorld world(silent_bot());
  const auto first = schedule(world, 1s, "once", "conv-1", SendOptions().key("k"));
  const auto second = schedule(world, 2s, "twice", "conv-1", SendOptions().key("k"));
  EXPECT_EQ(first, second);
  world.pass(3s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("once"));
}

TEST(Scheduler, AnExpiredSendIsDropped) {
  BotWorld world(silent_bot());
  world.sender.takes = 3s;
  schedule(world, 1s, "holds the conversation");
  schedule(world, 1s, "too old", "conv-1", SendOptions().expires(world.clock.wall_now() + 2s));
  world.pass(10s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("holds the conversation"));
  EXPECT_EQ(test::run_on(world.io(), world.proactive->counts()).expired, 1U);
}

TEST(Scheduler, WhatWouldExpireBeforeItIsDueIsMisuse) {
  BotWorld world(silent_bot());
  EXPECT_THROW(schedule(world, 2s, "never", "conv-1", SendOptions().expires(world.clock.wall_now() + 1s)),
               system_error);
}

TEST(Scheduler, ARetryKeepsItsRequestIdItsOrderAndTheRetryAfter) {
  BotWorld world(silent_bot());
  world.sender.failures.push_back(channel_error(429, 5s));
  schedule(world, 1s, "first");
  schedule(world, 1s, "second");
  world.pass(5900ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("first"));
  world.pass(3s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("first", "first", "second"));
  EXPECT_EQ(world.sender.calls[0].request_id, world.sender.calls[1].request_id);
  EXPECT_FALSE(world.sender.calls[0].request_id.empty());
  const auto counts = test::run_on(world.io(), world.proactive->counts());
  EXPECT_EQ(counts.pending, 0U);
  EXPECT_EQ(counts.sent, 2U);
}

TEST(Scheduler, ADeadSendLetsTheNextPass) {
  BotWorld world(silent_bot());
  world.sender.failures.push_back(channel_error(404));
  schedule(world, 1s, "dead");
  schedule(world, 1s, "alive");
  world.pass(2s);
  EXPECT_THAT(world.sender.texts(), ElementsAre("dead", "alive"));
  const auto counts = test::run_on(world.io(), world.proactive->counts());
  EXPECT_EQ(counts.dead, 1U);
  EXPECT_EQ(counts.sent, 1U);
}

TEST(Scheduler, AContinuationRunsInATurnOfItsConversation) {
  std::vector<std::string> values;
  BotWorld world([&values] {
    auto bot = std::make_unique<FunctionBot>();
    bot->on_continue("remind", [&values](TurnContext& turn) -> awaitable<void> {
      values.emplace_back(turn.activity().value()->as_string());
      co_await turn.send("reminded");
    });
    bot->on_message(
        [](TurnContext& turn) -> awaitable<void> { co_await turn.proactive().continue_after(2s, "remind", "milk"); });
    return bot;
  });
  EXPECT_EQ(world.say("x")->status(), 200U);
  world.pass(3s);
  EXPECT_THAT(values, ElementsAre("milk"));
  EXPECT_THAT(world.sender.texts(), ElementsAre("reminded"));
  EXPECT_EQ(test::run_on(world.io(), world.proactive->counts()).sent, 1U);
}

TEST(Scheduler, AnUnknownContinuationIsRefusedWhenItIsScheduled) {
  BotWorld world(silent_bot());
  const auto reference = world.message("x").reference();
  EXPECT_THROW(test::run_on(world.io(), world.proactive->continue_after(reference, 1s, "nobody", nullptr, {})),
               system_error);
}

TEST(Scheduler, ListsWhatIsPendingInAConversation) {
  BotWorld world(silent_bot());
  schedule(world, 2s, "b");
  schedule(world, 1s, "a");
  schedule(world, 1s, "other", "conv-2");
  PendingQuery query;
  query.order_key = world.proactive->order_key(world.message("x").reference());
  auto page = test::run_on(world.io(), world.proactive->list(query));
  ASSERT_EQ(page.sends.size(), 2U);
  EXPECT_EQ(page.sends[0].activity.value().text(), "a");
  EXPECT_EQ(page.sends[1].activity.value().text(), "b");
}

TEST(Scheduler, AClockSteppedBackSendsNothingEarlyAndOneSteppedForwardIsNoticed) {
  BotWorld world(silent_bot());
  schedule(world, 10s, "x");
  world.clock.step_wall(-5s);
  world.pass(14s, 100ms);
  EXPECT_TRUE(world.sender.calls.empty());
  world.clock.step_wall(5s);
  world.pass(2s, 100ms);
  EXPECT_EQ(world.sender.calls.size(), 1U);
}

TEST(Scheduler, ADrainEndsWhatIsUnderWayAndLeavesTheRestInTheStore) {
  BotWorld world(silent_bot());
  world.sender.takes = 500ms;
  schedule(world, 100ms, "under way");
  schedule(world, 10s, "later");
  world.pass(200ms);
  std::optional<bool> clean;
  asio::co_spawn(world.io(), world.proactive->drain(Deadline::after(5s, world.clock)),
                 [&clean](std::exception_ptr, bool value) { clean = value; });
  world.pass(1s);
  EXPECT_EQ(clean, true);
  world.pass(20s, 100ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("under way"));
  const auto counts = test::run_on(world.io(), world.storage.count_sends(Deadline::never()));
  EXPECT_EQ(counts.pending, 1U);
  EXPECT_EQ(counts.sent, 1U);
}

// Fail at the N-th step, for each way a channel can fail: in the end everything has arrived, in order.
TEST(Scheduler, EverythingArrivesInOrderWhicheverAttemptFails) {
  for (std::size_t step = 0; step < 6; ++step) {
    for (const int status : {429, 503}) {
      BotWorld world(silent_bot());
      for (std::size_t i = 0; i < step; ++i) {
        world.sender.failures.push_back(nullptr);
      }
      world.sender.failures.push_back(channel_error(status));
      for (int i = 0; i < 5; ++i) {
        schedule(world, 1s, std::to_string(i));
      }
      world.pass(10s, 100ms);
      auto texts = world.sender.texts();
      texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
      EXPECT_THAT(texts, ElementsAre("0", "1", "2", "3", "4")) << step << " " << status;
    }
  }
}

TEST(Scheduler, EverythingArrivesOnceAndInOrderWhicheverCallOfTheStorageFails) {
  bool complete = false;
  for (long n = 0; !complete; ++n) {
    ASSERT_LT(n, 1'000);
    auto faults = std::make_shared<test::StorageFaults>();
    BotWorld world(silent_bot(), runtime::RuntimeOptions(), true, proactive::SchedulerOptions(), faults);
    world.sender.failures.push_back(channel_error(503));
    for (int i = 0; i < 5; ++i) {
      schedule(world, i < 3 ? 1s : 40s, std::to_string(i));
    }
    faults->calls_left = n;
    world.pass(60s, 100ms);
    complete = faults->calls_left >= 0;
    faults->calls_left = -1;
    // The first attempt failed and is repeated.
    EXPECT_THAT(world.sender.texts(), ElementsAre("0", "0", "1", "2", "3", "4")) << n;
    const auto counts = test::run_on(world.io(), world.storage.count_sends(Deadline::never()));
    EXPECT_EQ(counts.sent, 5U) << n;
    EXPECT_EQ(counts.pending, 0U) << n;
  }
}

// What was sent and is not recorded would be sent again after a crash: so its number is bounded, however long the store
// takes nothing.
TEST(Scheduler, SendsNoMoreThanABoundWhileNothingCanBeRecorded) {
  auto faults = std::make_shared<test::StorageFaults>();
  proactive::SchedulerOptions options;
  options.in_flight = 4;
  options.batch = 8;
  BotWorld world(silent_bot(), runtime::RuntimeOptions(), true, options, faults);
  for (int i = 0; i < 100; ++i) {
    schedule(world, 1s, std::to_string(i), "conv-" + std::to_string(i));
  }
  faults->writes_fail = true;
  world.pass(60s, 50ms);
  EXPECT_GE(world.sender.texts().size(), 8U);
  EXPECT_LE(world.sender.texts().size(), 12U);
  faults->writes_fail = false;
  world.pass(10s, 50ms);
  const auto texts = world.sender.texts();
  EXPECT_EQ(texts.size(), 100U);
  EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()).size(), 100U);
}

TEST(Scheduler, NoStrictSendPassesADeadOne) {
  BotWorld world(silent_bot());
  world.sender.failures.push_back(channel_error(400));
  const auto strict = SendOptions().strict();
  const auto first = schedule(world, 1s, "refused", "conv-1", strict);
  schedule(world, 2s, "strict", "conv-1", strict);
  schedule(world, 10h, "strict, and later", "conv-1", strict);
  schedule(world, 2s, "passes", "conv-1");
  schedule(world, 2s, "another's", "conv-2", strict);
  world.pass(10s, 50ms);
  EXPECT_THAT(world.sender.texts(), testing::UnorderedElementsAre("refused", "passes", "another's"));
  const auto dead = test::run_on(world.io(), world.proactive->dead_letters().list()).letters;
  ASSERT_EQ(dead.size(), 3U);
  EXPECT_EQ(dead[0].handle, first);
  EXPECT_EQ(dead[1].activity.value().text(), "strict");
  EXPECT_THAT(dead[2].reason, testing::HasSubstr("an earlier send of its order is dead: " + first.to_string()));
  EXPECT_THAT(world.metrics.expose(), testing::HasSubstr("tern_scheduled_sends_total{outcome=\"dead\"} 3\n"));
  // Whoever has looked at them sends them again, in order.
  for (const auto& one : dead) {
    ASSERT_TRUE(test::run_on(world.io(), world.proactive->dead_letters().redrive(one.handle)));
  }
  world.pass(1s, 50ms);
  const auto texts = world.sender.texts();
  EXPECT_THAT(std::vector<std::string>(texts.end() - 3, texts.end()),
              ElementsAre("refused", "strict", "strict, and later"));
}

// What could not be noted to begin has not begun.
TEST(Scheduler, WhatMayArriveOnceSurvivesAStoreThatTakesNoNotes) {
  auto faults = std::make_shared<test::StorageFaults>();
  BotWorld world(silent_bot(), runtime::RuntimeOptions(), true, proactive::SchedulerOptions(), faults);
  schedule(world, 1s, "once", "conv-1", SendOptions().at_most_once());
  faults->writes_fail = true;
  world.pass(5s, 50ms);
  EXPECT_THAT(world.sender.texts(), testing::IsEmpty());
  faults->writes_fail = false;
  world.pass(5s, 50ms);
  EXPECT_THAT(world.sender.texts(), ElementsAre("once"));
  const auto counts = test::run_on(world.io(), world.storage.count_sends(Deadline::never()));
  EXPECT_EQ(counts.sent, 1U);
  EXPECT_EQ(counts.dead, 0U);
}

TEST(Scheduler, AnOutageOfHoursBreaksNoPromise) {
  BotWorld world(silent_bot());
  schedule(world, 1s, "late");
  const auto away = std::make_exception_ptr(system_error(make_error_code(errc::channel_unreachable), "away"));
  world.sender.failures.assign(1'000, away);
  world.pass(20h, 10s);
  EXPECT_GT(world.sender.texts().size(), 100U);
  world.sender.failures.clear();
  world.pass(1h, 10s);
  const auto counts = test::run_on(world.io(), world.storage.count_sends(Deadline::never()));
  EXPECT_EQ(counts.sent, 1U);
  EXPECT_EQ(counts.dead, 0U);
}

TEST(Scheduler, AFailedFirstLoadIsSoonRepeated) {
  for (long n = 1; n <= slot_count; ++n) {
    auto faults = std::make_shared<test::StorageFaults>();
    faults->calls_left = n + 1;  // after the slots were taken and the sends counted
    BotWorld world(silent_bot(), runtime::RuntimeOptions(), true, proactive::SchedulerOptions(), faults);
    for (int conversation = 0; conversation < 16; ++conversation) {
      schedule(world, 1s, "x", "conv-" + std::to_string(conversation));
    }
    world.pass(1100ms, 50ms);
    EXPECT_EQ(world.sender.texts().size(), 16U) << n;
  }
}

TEST(Scheduler, CanBeDestroyedAfterAnyNumberOfHandlers) {
  for (std::size_t n = 0; n < 150; ++n) {
    BotWorld world(silent_bot());
    world.sender.takes = 20ms;
    world.sender.failures.push_back(channel_error(503));
    for (int i = 0; i < 3; ++i) {
      schedule(world, 10ms, "x", "conv-" + std::to_string(i % 2));
    }
    std::size_t ran = 0;
    for (int moved = 0; ran < n && moved < 200;) {
      if (world.io().poll_one() > 0) {
        ++ran;
      } else {
        world.io().restart();
        world.clock.advance(20ms);
        ++moved;
      }
    }
    if (ran < n) {
      return;
    }
  }
}

}  // namespace
}  // namespace tern
