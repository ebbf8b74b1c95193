// How a scheduler fills its window while it sends.

#include "unit/proactive/schedule/scheduler_fixture.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class Loading : public SchedulerFixture {
 protected:
  /// A key of that slot.
  static std::string key_of(std::uint16_t slot) {
    for (int i = 0;; ++i) {
      if (slot_of(std::to_string(i)) == slot) {
        return std::to_string(i);
      }
    }
  }
  ScheduledSend make_in(std::uint16_t slot, std::string payload, WallTime due) {
    return make(key_of(slot), payload, due - clock.wall_now());
  }
  void schedule(std::string payload, std::uint16_t slot, WallTime due) {
    store(make_in(slot, std::move(payload), due));
  }
};

TEST_F(Loading, TheOldestOfAllSlotsGoFirstAlsoInASmallWindow) {
  constexpr int each = 20;
  std::vector<std::string> in_order;
  for (int i = 0; i < each * slot_count; ++i) {
    in_order.push_back(std::to_string(i));
    schedule(in_order.back(), static_cast<std::uint16_t>(slot_count - 1 - i % slot_count), clock.wall_now() + i * 1ms);
  }
  clock.advance(1h);
  options.window_entries = 2 * slot_count;
  options.in_flight = 1;
  recorder.takes = 0ms;
  faults->page_read = []() -> awaitable<void> { co_await asio::post(asio::deferred); };  // as from a real store
  start();
  pass(10s);
  EXPECT_EQ(recorder.done, in_order);
}

// The page was read before it was committed, and the window does not reach so far yet.
TEST_F(Loading, WhatIsToldOfWhileItsPageIsReadIsNotForgotten) {
  bool committed = false;
  faults->page_read = [&]() -> awaitable<void> {
    if (std::exchange(committed, true)) {
      co_return;
    }
    for (std::uint16_t slot = 0; slot < slot_count; ++slot) {  // one of them is being read
      const auto send = make_in(slot, "told", clock.wall_now() + 20s);
      StoreChanges changes;
      changes.sends.push_back(send);
      const auto written = co_await storage.write(std::move(changes), never);
      scheduler->on_committed({entry_of(send, written->seqs.at(0))});
    }
    co_await asio::post(io, asio::deferred);
  };
  start();
  pass(25s);
  EXPECT_EQ(recorder.done.size(), slot_count);
}

TEST_F(Loading, TheFirstAreSentWhileTheRestIsStillRead) {
  constexpr std::size_t each = 1'000;
  for (std::size_t i = 0; i < each; ++i) {
    schedule("x", 1, clock.wall_now() + 1s);
  }
  schedule("elsewhere", 2, clock.wall_now() + 1s);
  clock.advance(1h);
  // Each slot gives its first page, and then the store hangs.
  faults->page_read = [this]() -> awaitable<void> {
    if (faults->loads > slot_count) {
      co_await sleep_for(1h, clock);
    }
  };
  start();
  pass(100ms);
  EXPECT_THAT(recorder.done, testing::Contains("x"));
  EXPECT_THAT(recorder.done, testing::Contains("elsewhere"));
}

// A share of the places is for sends to a host. Continuations have none, and nothing says that few of them may go.
TEST_F(Loading, ManyContinuationsAreReadManyAtATime) {
  constexpr std::size_t all = 2'000;
  Limiter limiter{SendLimits()};
  options.limiter = &limiter;
  recorder.takes = 0ms;
  for (std::size_t i = 0; i < all; ++i) {
    store(make(std::to_string(i), "x", 1s, SendKind::continuation));
  }
  clock.advance(1h);
  start();
  pass(1s);
  EXPECT_EQ(recorder.done.size(), all);
  EXPECT_LE(faults->fetches, 50U);
}

TEST_F(Loading, ASlotThatIsGivenUpAndTakenAgainWhileAPageIsReadIsReadAnew) {
  bool done = false;
  faults->page_read = [&, this]() -> awaitable<void> {
    if (!std::exchange(done, true)) {
      scheduler->own({});
      StoreChanges changes;
      changes.sends.push_back(make_in(0, "committed between", clock.wall_now() + 1s));
      const auto written = co_await storage.write(std::move(changes), never);
      EXPECT_TRUE(written.has_value());
      scheduler->own(leases);
    }
  };
  start();
  pass(2s);
  EXPECT_THAT(recorder.done, ElementsAre("committed between"));
}

TEST_F(Loading, WhatHasNoRoomIsLoadedBeforeItIsDue) {
  options.window_entries = 2;
  for (int i = 0; i < 2; ++i) {
    schedule("held " + std::to_string(i), 0, clock.wall_now() + 2s);
  }
  start();
  // The window is full: this one is left to the store, though its slot was loaded beyond it.
  schedule("later", 1, clock.wall_now() + 3s);
  auto page = test::run_on(io, storage.list_sends({}, never));
  ASSERT_EQ(page.sends.size(), 3U);
  scheduler->on_committed({entry_of(page.sends.back(), page.sends.back().seq)});
  pass(2900ms);
  EXPECT_THAT(recorder.done, ElementsAre("held 0", "held 1"));
  pass(200ms);
  EXPECT_THAT(recorder.done, ElementsAre("held 0", "held 1", "later"));
}

// A lease ends by the store's clock, which goes on while this machine is suspended.
TEST_F(Loading, NothingIsSentAfterASuspensionUntilTheLeaseIsRenewed) {
  schedule("x", 0, clock.wall_now() + 2s);
  start();
  const auto renew = [this] {
    for (auto& lease : leases) {
      lease.until = clock.now() + 6s;
      lease.asleep = clock.asleep();
    }
    scheduler->own(leases);
  };
  renew();
  pass(1s);
  clock.suspend(10s);
  pass(2s);
  EXPECT_THAT(recorder.done, IsEmpty());
  renew();
  pass(100ms);
  EXPECT_THAT(recorder.done, ElementsAre("x"));
}

TEST_F(Loading, NothingIsSentWithoutTheSlot) {
  schedule("x", 0, clock.wall_now() + 1s);
  start();
  scheduler->own({});
  pass(2s);
  EXPECT_THAT(recorder.done, IsEmpty());
}

// Simulation 5007311: the owner before says late that it has sent an occurrence, which this one is sending again. What
// comes next is due when the first of them has said, and this one thinks otherwise.
TEST_F(Loading, AnOccurrenceIsDueWhenItsRecordSaysSo) {
  constexpr std::uint16_t slot = 3;
  const auto before = test::run_on(io, storage.hold_slots("before", {}, slot_count, never)).leases;
  auto send = make_in(slot, "again", clock.wall_now() + 10ms);
  send.annotations = "recurs";
  store(send);
  schedule("between", slot, clock.wall_now() + 15s);
  test::run_on(io, storage.release_slots(before, never));
  recorder.takes = 100ms;
  recorder.period = 10s;
  start();
  pass(50ms);
  ASSERT_THAT(recorder.done, ElementsAre("again"));

  StoreChanges late;
  auto& outcome = late.outcomes.emplace_back(SendOutcome::Kind::sent, send.handle, 0, before.at(slot));
  outcome.next = clock.wall_now() + 20s;
  ASSERT_THAT(write(std::move(late)).refused, IsEmpty());
  pass(14s);
  EXPECT_THAT(recorder.done, ElementsAre("again"));
  pass(5s);
  EXPECT_THAT(recorder.done, ElementsAre("again", "between"));
  pass(2s);
  EXPECT_THAT(recorder.done, ElementsAre("again", "between", "again"));
}

}  // namespace
}  // namespace tern::proactive
