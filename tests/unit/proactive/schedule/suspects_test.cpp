// What a scheduler does with sends that had begun when their process died.

#include "proactive/schedule/scheduler.hpp"
#include "runtime/continuation.hpp"
#include "support/recording_executor.hpp"
#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/storage/memory_storage.hpp>
#include <tern/turn/channel_sender.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Deadline never = Deadline::never();

class Suspects : public ::testing::Test {
 protected:
  ~Suspects() override { scheduler.reset(); }

  ScheduledSend make(const std::string& name, SendKind kind) {
    ScheduledSend send;
    send.order_key = name;
    send.handle = SendHandle{slot_of(name), clock.wall_now() + 1s, new_send_id()};
    send.kind = kind;
    send.payload = name;
    return send;
  }
  SendHandle schedule(ScheduledSend send) {
    StoreChanges changes;
    changes.sends.push_back(std::move(send));
    return test::run_on(io, storage.write(std::move(changes), never))->handles.at(0);
  }
  /// Begins it `times` in processes that die.
  void begin_and_die(const SendHandle& handle, int times) {
    for (int i = 0; i < times; ++i) {
      auto held = test::run_on(io, storage.hold_slots("died " + std::to_string(i), {}, slot_count, never)).leases;
      StoreChanges changes;
      changes.outcomes.emplace_back(SendOutcome::Kind::begin, handle, 0, held.at(handle.slot));
      ASSERT_TRUE(test::run_on(io, storage.write(std::move(changes), never))->refused.empty());
      test::run_on(io, storage.release_slots(std::move(held), never));
    }
  }
  /// The next process, for ten seconds.
  void live(Limiter* limiter = nullptr) {
    SchedulerOptions options;
    options.limiter = limiter;
    scheduler = std::make_unique<Scheduler>(io.get_executor(), storage, recorder, clock, figures, solo, options);
    scheduler->own(test::run_on(io, storage.hold_slots("lives", {}, slot_count, never)).leases);
    asio::co_spawn(io, scheduler->run(), asio::detached);
    for (int i = 0; i < 1000; ++i) {
      clock.advance(10ms);
      test::drain(io);
    }
  }
  std::vector<std::string> reasons() {
    std::vector<std::string> reasons;
    for (const auto& dead : test::run_on(io, storage.list_dead({}, never)).sends) {
      reasons.push_back(dead.reason);
    }
    return reasons;
  }
  SendCounts counts() { return test::run_on(io, storage.count_sends(never)); }

  asio::io_context io;
  ManualClock clock;
  AnyStorage storage = AnyStorage::make<MemoryStorage>(MemoryStorageLimits(), clock);
  Metrics metrics;
  ScheduleFigures figures{metrics};
  SoloGate solo;
  test::RecordingExecutor recorder{clock};
  std::unique_ptr<Scheduler> scheduler;
};

TEST_F(Suspects, AContinuationThatHadBegunRunsAgain) {
  begin_and_die(schedule(make("a", SendKind::continuation)), 1);
  live();
  EXPECT_THAT(recorder.done, ElementsAre("a"));
  EXPECT_EQ(counts().sent, 1u);
}

TEST_F(Suspects, OnlyOneOfThemRunsAtATime) {
  for (const auto* name : {"a", "b", "c", "d"}) {
    begin_and_die(schedule(make(name, SendKind::continuation)), 1);
  }
  live();
  EXPECT_EQ(recorder.done.size(), 4u);
  EXPECT_EQ(recorder.most_at_once, 1u);
  EXPECT_EQ(counts().sent, 4u);
}

TEST_F(Suspects, OthersNeedNotWaitForThem) {
  begin_and_die(schedule(make("suspect", SendKind::continuation)), 1);
  schedule(make("another", SendKind::continuation));
  schedule(make("message", SendKind::activity));
  live();
  EXPECT_EQ(recorder.done.size(), 3u);
  EXPECT_EQ(recorder.most_at_once, 3u);
}

// Hundreds of them, which a crash leaves, must not keep everything else from being sent.
TEST_F(Suspects, TheyTakeNoPlaceOfOthersWhileTheyWait) {
  for (int i = 0; i < 300; ++i) {
    begin_and_die(schedule(make("suspect " + std::to_string(i), SendKind::continuation)), 1);
  }
  schedule(make("message", SendKind::activity));
  recorder.takes = 1h;
  live();
  EXPECT_THAT(recorder.done, testing::Contains("message"));
  EXPECT_EQ(recorder.done.size(), 2u);
}

TEST_F(Suspects, WhatItsOwnCodeHasCutIsTriedAgain) {
  schedule(make("cut", SendKind::continuation));
  recorder.failure = std::make_exception_ptr(system_error(error_code(asio::error::operation_aborted)));
  live();
  EXPECT_GT(recorder.done.size(), 1u);
}

// Its handler may have sent before it failed.
TEST_F(Suspects, AContinuationThatMayRunOnceDoesNotRunAgainWhenItFailed) {
  auto send = make("once", SendKind::continuation);
  send.at_most_once = true;
  schedule(send);
  recorder.failure = std::make_exception_ptr(system_error(make_error_code(errc::conflict), "another turn was first"));
  live();
  EXPECT_THAT(recorder.done, ElementsAre("once"));
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("at most once: another turn was first")));
}

TEST_F(Suspects, AContinuationThatMayRunOnceRunsAgainWhenItDidNotBegin) {
  auto send = make("once", SendKind::continuation);
  send.at_most_once = true;
  schedule(send);
  recorder.failure = std::make_exception_ptr(runtime::NotBegun(errc::overloaded, "too many turns"));
  live();
  EXPECT_GT(recorder.done.size(), 1u);
  EXPECT_THAT(reasons(), IsEmpty());
}

TEST_F(Suspects, TheThirdDeathBuriesIt) {
  begin_and_die(schedule(make("poison", SendKind::continuation)), 3);
  schedule(make("well", SendKind::continuation));
  live();
  EXPECT_THAT(recorder.done, ElementsAre("well"));
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("ended the process 3 times")));
}

TEST_F(Suspects, APlainSendIsNeverBuriedForIt) {
  // A plain send is not noted when it begins; one that was, say by an older version, is sent all the same.
  begin_and_die(schedule(make("plain", SendKind::activity)), 2);
  live();
  EXPECT_THAT(recorder.done, ElementsAre("plain"));
}

TEST_F(Suspects, WhatMayArriveOnceIsNotSentAgain) {
  auto send = make("once", SendKind::activity);
  send.at_most_once = true;
  begin_and_die(schedule(send), 1);
  live();
  EXPECT_THAT(recorder.done, IsEmpty());
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("at most once")));
}

TEST_F(Suspects, WhatMayArriveOnceIsNotTriedAgainAfterAnAmbiguousFailure) {
  for (const bool once : {false, true}) {
    auto send = make(once ? "once" : "usual", SendKind::activity);
    send.at_most_once = once;
    schedule(send);
  }
  recorder.failure = std::make_exception_ptr(ChannelError(503, "busy", std::nullopt));
  live();
  EXPECT_EQ(std::count(recorder.done.begin(), recorder.done.end(), "once"), 1);
  EXPECT_GT(std::count(recorder.done.begin(), recorder.done.end(), "usual"), 1);
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("at most once")));
}

TEST_F(Suspects, WhatMayArriveOnceIsTriedAgainWhenItCannotHaveArrived) {
  auto send = make("once", SendKind::activity);
  send.at_most_once = true;
  schedule(send);
  recorder.failure = std::make_exception_ptr(ChannelError(429, "slow down", std::nullopt));
  live();
  EXPECT_GT(recorder.done.size(), 1u);
  EXPECT_THAT(reasons(), IsEmpty());
}

TEST_F(Suspects, QuietHoursAreKeptAlsoByALateSend) {
  schedule(make("late", SendKind::activity));
  recorder.quiet_until = clock.wall_now() + 8s;
  const auto before = clock.wall_now();
  live();
  EXPECT_THAT(recorder.done, ElementsAre("late"));
  EXPECT_GE(clock.wall_now(), before + 8s);
  EXPECT_EQ(counts().sent, 1u);
}

TEST_F(Suspects, WhatMayArriveOnceIsNotSentAfterItWasPutOff) {
  auto send = make("once", SendKind::activity);
  send.at_most_once = true;
  begin_and_die(schedule(send), 1);
  recorder.quiet_until = clock.wall_now() + 8s;
  live();
  EXPECT_THAT(recorder.done, IsEmpty());
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("at most once")));
}

// A process that drains refuses turns: what it had noted to begin then has not begun.
TEST_F(Suspects, WhatMayArriveOnceAndWasRefusedByADrainIsSentByTheNextProcess) {
  auto send = make("once", SendKind::continuation);
  send.at_most_once = true;
  schedule(send);
  recorder.failure = std::make_exception_ptr(runtime::NotBegun(errc::shutting_down, "not begun"));
  live();
  EXPECT_THAT(reasons(), IsEmpty());
  EXPECT_LE(recorder.done.size(), 11u) << "it is not refused again and again";
  scheduler->stop();
  test::drain(io);
  recorder.done.clear();
  recorder.failure = nullptr;
  live();
  EXPECT_THAT(recorder.done, ElementsAre("once"));
  EXPECT_THAT(reasons(), IsEmpty());
}

// Its handler may have wanted to change one message that is gone: that says nothing about the conversation.
TEST_F(Suspects, AContinuationThatIsRefusedDoesNotMeanThatItsConversationIsGone) {
  schedule(make("change", SendKind::continuation));
  recorder.failure = std::make_exception_ptr(ChannelError(404, "no such activity", std::nullopt));
  live();
  EXPECT_THAT(reasons(), ElementsAre(HasSubstr("what its handler asked for")));
  EXPECT_EQ(recorder.gone, 0u);
}

TEST_F(Suspects, ABadSecretBuriesNoContinuations) {
  Limiter limiter;
  for (int i = 0; i < 8; ++i) {
    const auto name = std::to_string(i);
    auto send = make(name, SendKind::continuation);
    send.reference = R"({"channelId":"c","bot":{"id":"b"},"conversation":{"id":")" + name + R"("}})";
    schedule(send);
  }
  recorder.failure = std::make_exception_ptr(ChannelError(403, "forbidden", std::nullopt));
  live(&limiter);
  for (int i = 0; i < 10; ++i) {
    clock.advance(10s);
    test::drain(io);
  }
  EXPECT_THAT(reasons(), IsEmpty());
  EXPECT_EQ(counts().pending, 8u);
  EXPECT_EQ(recorder.gone, 0u);
}

// The next owner of the slot would take it for one that may have arrived.
TEST_F(Suspects, WhatMayArriveOnceAndIsRefusedWhileItsSlotGoesHasNotBegun) {
  Limiter limiter;
  auto send = make("once", SendKind::activity);
  send.reference = R"({"channelId":"c","bot":{"id":"b"},"conversation":{"id":"once"}})";
  send.at_most_once = true;
  schedule(send);
  recorder.failure = std::make_exception_ptr(ChannelError(403, "forbidden", std::nullopt));
  recorder.takes = 15s;
  live(&limiter);
  ASSERT_THAT(recorder.done, ElementsAre("once"));
  scheduler->own({});
  for (int i = 0; i < 100; ++i) {
    clock.advance(100ms);
    test::drain(io);
  }
  const auto pending = test::run_on(io, storage.list_sends({}, never)).sends;
  ASSERT_EQ(pending.size(), 1u);
  EXPECT_EQ(pending.front().begun, 0u);
}

TEST_F(Suspects, ARecurringSendEndsWithItsConversation) {
  auto send = make("hourly", SendKind::activity);
  send.annotations = "{}";
  schedule(send);
  recorder.failure = std::make_exception_ptr(ChannelError(404, "gone", std::nullopt));
  live();
  EXPECT_EQ(counts().pending, 0u);
  EXPECT_THAT(reasons(), ElementsAre(std::string(conversation_gone)));
  EXPECT_EQ(recorder.gone, 1u);
}

TEST_F(Suspects, ARecurringSendComesAgain) {
  auto send = make("hourly", SendKind::activity);
  send.annotations = "{}";
  const auto handle = schedule(send);
  live();
  EXPECT_THAT(recorder.done, ElementsAre("hourly"));
  for (int i = 0; i < 3 * 3600; ++i) {
    clock.advance(1s);
    test::drain(io);
  }
  EXPECT_EQ(recorder.done.size(), 4u);  // each an hour after the one before has ended
  EXPECT_EQ(counts().pending, 1u);
  StoreChanges changes;
  changes.edits.emplace_back(SendEdit::Kind::cancel, handle);
  EXPECT_EQ(test::run_on(io, storage.write(std::move(changes), never))->edits.at(0), EditOutcome::done);
}

}  // namespace
}  // namespace tern::proactive
