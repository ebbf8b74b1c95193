// What a scheduler does with sends that had begun when their process died.

#include "proactive/scheduler.hpp"
#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/storage/memory_storage.hpp>
#include <tern/turn/channel_sender.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

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

/// Notes what it is told to do; each takes `takes`.
class Recorder final : public SendExecutor {
 public:
  explicit Recorder(Clock& clock) : clock_(clock) {}

  awaitable<void> execute(ScheduledSend send) override {
    done.push_back(send.payload);
    most_at_once = std::max(most_at_once, ++at_once);
    co_await sleep_for(takes, clock_);
    --at_once;
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
  std::optional<WallTime> next_occurrence(const ScheduledSend& send, WallTime now) const override {
    return send.annotations.empty() ? std::nullopt : std::optional(now + 1h);
  }

  std::optional<StoreUpsert> note_of(const ScheduledSend&, const SendOutcome&) const override { return std::nullopt; }
  void on_conversation_gone(const ScheduledSend&) override {}
  WallTime not_before(const ScheduledSend&, WallTime now) const override { return std::max(now, quiet_until); }

  WallTime quiet_until{};
  std::vector<std::string> done;
  std::size_t at_once = 0;
  std::size_t most_at_once = 0;
  std::chrono::milliseconds takes{10};
  std::exception_ptr failure;

 private:
  Clock& clock_;
};

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
  void live() {
    scheduler = std::make_unique<Scheduler>(io.get_executor(), storage, recorder, clock, figures, solo);
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
  Recorder recorder{clock};
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
