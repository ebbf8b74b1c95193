// What is due and must wait: for a place, for the limits of its channel, to run alone. It holds nobody back that need
// not wait, and can be cancelled and moved.

#include "unit/proactive/schedule/scheduler_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;

SendLimits limits_of(const std::string& text) {
  SendLimits limits;
  limits.others = *ChannelLimits::parse(text);
  return limits;
}

class WaitingSends : public SchedulerFixture {
 protected:
  WaitingSends() { asks_for_late = true; }

  SendHandle schedule(const std::string& key, const std::string& name, SendKind kind, WallTime::duration delay = 1s,
                      const std::string& cancel_on_reply = {}) {
    auto send = make(key, name, delay, kind);
    send.reference = R"({"conversation":{"id":")" + key + R"("}})";
    send.cancel_on_reply = cancel_on_reply;
    return store(std::move(send));
  }
  SendHandle message(const std::string& key, const std::string& name, WallTime::duration delay = 1s) {
    return schedule(key, name, SendKind::activity, delay);
  }
  SendHandle continuation(const std::string& key, const std::string& name, WallTime::duration delay = 1s) {
    return schedule(key, name, SendKind::continuation, delay);
  }
  void reply_in(const std::string& conversation) {
    StoreChanges changes;
    changes.edits.push_back(SendEdit::on_reply(conversation));
    write(std::move(changes));
  }
  std::optional<std::chrono::milliseconds> begun_after(const std::string& name) {
    const auto found = recorder.begun_at.find(name);
    return found == recorder.begun_at.end()
               ? std::nullopt
               : std::optional(std::chrono::duration_cast<std::chrono::milliseconds>(found->second - began));
  }
};

TEST_F(WaitingSends, AMessageThatIsDueGoesWhileContinuationsHaveAllTheirPlaces) {
  options.in_flight = options.continuations = 2;
  recorder.runs_for = 4s;
  for (const auto* name : {"a", "b", "c", "d"}) {
    continuation(name, name);
  }
  message("m", "with them");
  message("n", "later", 2s);
  start();
  pass(2100ms);
  EXPECT_EQ(begun_after("with them"), 1000ms);
  EXPECT_EQ(begun_after("later"), 2000ms);
  pass(10s);
  EXPECT_EQ(counts().sent, 6U);
}

TEST_F(WaitingSends, ContinuationsAreBoundedAndBeginInTheOrderOfTheirTimes) {
  options.continuations = 2;
  recorder.runs_for = 1s;
  std::vector<std::string> names;
  for (int i = 0; i < 9; ++i) {
    names.push_back(std::to_string(i));
    continuation(names.back(), names.back(), 1s + i * 10ms);
  }
  start();
  pass(7s);
  EXPECT_EQ(recorder.done, names);
  EXPECT_EQ(recorder.most_running, 2U);
  EXPECT_EQ(counts().sent, 9U);
}

TEST_F(WaitingSends, WhatFollowsAWaitingContinuationInItsConversationWaitsToo) {
  options.continuations = 1;
  recorder.runs_for = 2s;
  continuation("other", "long");
  continuation("c", "first");
  message("c", "second");
  start();
  pass(6s);
  EXPECT_THAT(recorder.done, ElementsAre("long", "first", "second"));
  EXPECT_GE(*begun_after("second"), 5s) << "when the first has ended";
}

// What memory has no room for, or would wait for long, waits in the store.
TEST_F(WaitingSends, MoreContinuationsThanMemoryHoldsAllRun) {
  options.continuations = 4;
  options.waiting = 8;
  recorder.runs_for = 500ms;
  for (int i = 0; i < 100; ++i) {
    continuation(std::to_string(i), std::to_string(i));
  }
  message("m", "message");
  start();
  pass(1500ms);
  EXPECT_THAT(recorder.done, Contains("message"));
  pass(40s);
  EXPECT_EQ(counts().sent, 101U);
  EXPECT_EQ(recorder.done.size(), 101U) << "each once";
  EXPECT_EQ(recorder.most_running, 4U);
}

TEST_F(WaitingSends, AContinuationThatWaitsForAPlaceCanBeCancelled) {
  options.continuations = 1;
  recorder.runs_for = 10s;
  continuation("a", "long");
  const auto told = continuation("b", "told");
  const auto untold = continuation("c", "untold");
  message("b", "behind it");
  start();
  pass(2s);
  EXPECT_THAT(recorder.done, ElementsAre("long"));
  EXPECT_EQ(cancel(told), EditOutcome::done);
  scheduler->on_cancelled({told});
  EXPECT_EQ(cancel(untold), EditOutcome::done) << "by another process: nobody here is told";
  pass(100ms);
  EXPECT_THAT(recorder.done, ElementsAre("long", "behind it"));
  pass(60s);
  EXPECT_THAT(recorder.done, ElementsAre("long", "behind it"));
  EXPECT_EQ(counts().pending, 0U);
  EXPECT_EQ(scheduler->in_flight(), 0U);
}

TEST_F(WaitingSends, AContinuationThatWaitsForAPlaceCanBeMoved) {
  options.continuations = 1;
  recorder.runs_for = 3s;
  continuation("a", "long");
  const auto moved = continuation("b", "moved");
  message("b", "behind it", 1500ms);
  start();
  pass(2s);
  EXPECT_EQ(edit(SendEdit::Kind::reschedule, moved, clock.wall_now() + 8s), EditOutcome::done);
  pass(500ms);
  EXPECT_THAT(recorder.done, ElementsAre("long", "behind it")) << "it does not wait for one that is due later";
  pass(10s);
  EXPECT_THAT(recorder.done, ElementsAre("long", "behind it", "moved"));
  EXPECT_EQ(begun_after("moved"), 10s);
}

TEST_F(WaitingSends, AReplyCancelsWhatWaits) {
  options.continuations = 1;
  recorder.runs_for = 3s;
  continuation("a", "long");
  schedule("b", "no more", SendKind::continuation, 1s, "b");
  start();
  pass(2s);
  reply_in("b");
  pass(10s);
  EXPECT_THAT(recorder.done, ElementsAre("long"));
  EXPECT_EQ(counts().cancelled, 1U);
}

TEST_F(WaitingSends, WhatTheLimitsHoldBackForAMomentCanBeCancelled) {
  Limiter limiter(limits_of("conversation=1/4s"));
  options.limiter = &limiter;
  message("c", "first");
  const auto second = message("c", "second");
  message("c", "third");
  start();
  pass(2s);
  EXPECT_THAT(recorder.done, ElementsAre("first"));
  EXPECT_EQ(cancel(second), EditOutcome::done);
  pass(20s);
  EXPECT_THAT(recorder.done, ElementsAre("first", "third"));
  EXPECT_EQ(counts().pending, 0U);
}

// What was found to be gone did not take a place in the window.
TEST_F(WaitingSends, ACancelledSendTakesNoneOfWhatTheLimitsAllow) {
  Limiter limiter(limits_of("bot=1/2s"));
  options.limiter = &limiter;
  message("a", "first");
  const auto second = message("b", "second", 1010ms);
  message("c", "third", 1020ms);
  start();
  pass(2s);
  EXPECT_EQ(cancel(second), EditOutcome::done);
  pass(2s);
  EXPECT_THAT(recorder.done, ElementsAre("first", "third"));
}

TEST_F(WaitingSends, WhatWaitsToRunAloneCanBeCancelled) {
  const auto first = continuation("a", "suspect");
  const auto second = continuation("b", "never");
  begin_and_die({first, second});
  recorder.runs_for = 3s;
  start();
  pass(2s);
  ASSERT_EQ(recorder.done.size(), 1U);
  const bool first_runs = recorder.done.front() == "suspect";
  EXPECT_EQ(cancel(first_runs ? second : first), EditOutcome::done);
  EXPECT_EQ(cancel(first_runs ? first : second), EditOutcome::too_late) << "it runs";
  pass(10s);
  EXPECT_EQ(recorder.done.size(), 1U);
  EXPECT_EQ(counts().pending, 0U);
}

// In each moment of its way: it is cancelled or sent, and never both.
TEST_F(WaitingSends, OfACancellationAndTheEndOfAWaitOneComesFirst) {
  Limiter limiter(limits_of("bot=1/1s"));
  options.limiter = &limiter;
  start();
  for (int i = 0; i < 150; ++i) {
    recorder.done.clear();
    message("a", "before", 0ms);
    const auto handle = message("b", "it", 1ms);
    pass(10ms);
    clock.advance(std::chrono::milliseconds(900 + i));
    for (int steps = i % 10; steps > 0; --steps) {
      (void)io.poll_one();
    }
    const bool is_cancelled = cancel(handle) == EditOutcome::done;
    pass(3s);
    const bool is_sent = std::count(recorder.done.begin(), recorder.done.end(), "it") == 1;
    ASSERT_NE(is_cancelled, is_sent) << i;
  }
  EXPECT_EQ(counts().pending, 0U);
}

TEST_F(WaitingSends, WhatWaitsGoesWithItsSlot) {
  options.continuations = 1;
  recorder.runs_for = 1s;
  for (const auto* name : {"a", "b", "c"}) {
    continuation(name, name);
  }
  start();
  pass(1500ms);
  EXPECT_EQ(recorder.done.size(), 1U);
  scheduler->own({});
  pass(5s);
  EXPECT_EQ(recorder.done.size(), 1U) << "nothing of it is this one's any more";
  scheduler->own(leases);  // and comes back under the same lease
  pass(5s);
  EXPECT_THAT(recorder.done, testing::UnorderedElementsAre("a", "b", "c"));
  EXPECT_EQ(counts().pending, 0U);
}

TEST_F(WaitingSends, AStopLeavesThemToTheNextProcess) {
  options.continuations = 1;
  recorder.runs_for = 1s;
  for (const auto* name : {"a", "b", "c"}) {
    continuation(name, name);
  }
  start();
  pass(1500ms);
  stop();
  EXPECT_FALSE(scheduler->in_flight() == 0) << "one runs to its end";
  asks_for_late = false;
  pass(3s);
  EXPECT_TRUE(test::run_on(io, scheduler->idle(never)));
  EXPECT_EQ(recorder.done.size(), 1U);
  EXPECT_EQ(counts().pending, 2U);
}

// A call of the store fails, one after the other.
TEST_F(WaitingSends, AllArriveWhicheverCallOfTheStoreFails) {
  asks_for_late = false;  // so that the calls are the scheduler's
  for (long failing = 0; failing < 60; ++failing) {
    storage = AnyStorage::make<test::FailingStorage>(clock, faults);
    options.continuations = 1;
    recorder.done.clear();
    recorder.runs_for = 500ms;
    Limiter limiter(limits_of("conversation=1/1s"));
    options.limiter = &limiter;
    for (const auto* name : {"a", "b", "c"}) {
      continuation(name, name);
      message("m", std::string("message ") + name);
    }
    start();
    faults->calls_left = failing;
    pass(15s);
    faults->calls_left = -1;
    ASSERT_EQ(counts().pending, 0U) << failing;
    EXPECT_EQ(recorder.done.size(), 6U) << failing;
    stop();
    pass(2s);
    scheduler.reset();
  }
}

// After the channel's answer the outcome is recorded, whatever else goes wrong; before it the send goes out.
TEST_F(WaitingSends, AnExceptionAroundAnAnswerLosesNoOutcome) {
  recorder.answers_fail = true;
  message("c", "first");
  message("c", "second", 2s);
  continuation("d", "third");
  start();
  pass(3s);
  EXPECT_THAT(recorder.done, testing::UnorderedElementsAre("first", "second", "third"));
  EXPECT_EQ(counts().pending, 0u);
  EXPECT_EQ(counts().sent, 3u);
  EXPECT_EQ(scheduler->in_flight(), 0u);
  stop();
  EXPECT_TRUE(test::run_on(io, scheduler->idle(Deadline::after(1s, clock))));
}

}  // namespace
}  // namespace tern::proactive
