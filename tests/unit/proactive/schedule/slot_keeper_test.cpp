// Two processes on one store share its slots.

#include "proactive/schedule/slot_keeper.hpp"
#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/storage/memory_storage.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;

constexpr Deadline never = Deadline::never();

/// A memory store that several processes are said to share: it knows of owners that hold nothing, and can be away.
class SharedStore {
 public:
  struct State {
    explicit State(Clock& clock) : storage(MemoryStorageLimits(), clock) {}
    MemoryStorage storage;
    std::set<std::string> owners;
    LateSends late;
    LateSends late_next;  ///< what comes after `late`
    bool away = false;
    std::optional<std::vector<SlotLease>> release_on_its_way;  ///< set: a release is cut off, and happens later
    std::size_t holds = 0;                                     ///< heartbeats that it has answered
    std::optional<WallTime::duration> ahead;

    void require_there() const {
      if (away) {
        throw_error(errc::storage_unavailable, "the store is away");
      }
    }
  };
  explicit SharedStore(std::shared_ptr<State> state) : state_(std::move(state)) {}

  StoreTraits traits() const noexcept { return {"shared", true, true}; }
  awaitable<void> open(Deadline by) { return state_->storage.open(by); }
  awaitable<void> close(Deadline by) { return state_->storage.close(by); }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) {
    return state_->storage.read(std::move(keys), by);
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    return state_->storage.write(std::move(changes), by);
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return state_->storage.scan(std::move(scan), by); }
  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want, Deadline by) {
    state_->require_there();
    ++state_->holds;
    state_->owners.insert(owner);
    auto now = co_await state_->storage.hold_slots(std::move(owner), std::move(held), want, by);
    now.owners = static_cast<std::uint16_t>(state_->owners.size());
    now.clock_ahead = state_->ahead;
    co_return now;
  }
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by) {
    if (state_->release_on_its_way) {
      state_->release_on_its_way = std::move(held);
      throw_error(errc::storage_unavailable, "the answer did not come");
    }
    return state_->storage.release_slots(std::move(held), by);
  }
  awaitable<DuePage> load_due(DueQuery due, Deadline by) { return state_->storage.load_due(std::move(due), by); }
  awaitable<LateSends> load_late(std::vector<SlotLease>, Deadline) {
    state_->require_there();
    co_return std::exchange(state_->late, std::exchange(state_->late_next, {}));
  }
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by) {
    return state_->storage.fetch(std::move(entries), by);
  }
  void put_back(const std::vector<DueEntry>& entries) noexcept { state_->storage.put_back(entries); }
  awaitable<SendPage> list_sends(SendQuery query, Deadline by) {
    return state_->storage.list_sends(std::move(query), by);
  }
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by) {
    return state_->storage.list_dead(std::move(query), by);
  }
  awaitable<SendCounts> count_sends(Deadline by) { return state_->storage.count_sends(by); }
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by) {
    return state_->storage.estimate_due(from, until, by);
  }

 private:
  std::shared_ptr<State> state_;
};

/// Notes what it owns; slots in `busy` have something under way.
class Work final : public SlotWork {
 public:
  explicit Work(Clock& clock) : clock_(clock) {}

  void own(const std::vector<SlotLease>& leases) override {
    owned.clear();
    for (const auto& lease : leases) {
      owned.insert(lease.slot);
    }
  }
  awaitable<bool> quiet(SlotSet slots, Deadline by) override {
    for (const auto slot : owned) {
      EXPECT_FALSE(slots.test(slot)) << "more may begin of what is to become quiet";
    }
    while ((slots & busy).any() && !by.expired(clock_)) {
      co_await sleep_for(100ms, clock_);
    }
    co_return (slots & busy).none();
  }
  awaitable<SlotSet> under_way() override { co_return busy; }
  void on_late(std::vector<DueEntry> entries) override { late += entries.size(); }

  std::set<std::uint16_t> owned;
  SlotSet busy;

  std::size_t late = 0;

 private:
  Clock& clock_;
};

struct Process {
  Process(asio::io_context& io, AnyStorage storage, Clock& clock, std::string name)
      : work(clock), keeper(io.get_executor(), std::move(storage), work, clock, std::move(name)) {
    test::run_on(io, keeper.take(never));
    asio::co_spawn(io, keeper.run(), asio::detached);
    asio::co_spawn(io, keeper.run_late(), asio::detached);
  }
  Work work;
  SlotKeeper keeper;
};

class SlotKeeperTest : public ::testing::Test {
 protected:
  ~SlotKeeperTest() override { processes.clear(); }

  Process& start(const std::string& name) {
    processes.push_back(std::make_unique<Process>(io, storage, clock, name));
    return *processes.back();
  }
  void pass(std::chrono::milliseconds time) {
    for (auto done = 0ms; done < time; done += 50ms) {
      clock.advance(50ms);
      test::drain(io);
      // At no moment do two processes own one slot.
      std::map<std::uint16_t, int> owners;
      for (const auto& process : processes) {
        for (const auto slot : process->work.owned) {
          EXPECT_EQ(++owners[slot], 1) << "slot " << slot;
        }
      }
    }
  }

  asio::io_context io;
  ManualClock clock;
  std::shared_ptr<SharedStore::State> state = std::make_shared<SharedStore::State>(clock);
  AnyStorage storage = AnyStorage::make<SharedStore>(state);
  std::vector<std::unique_ptr<Process>> processes;
};

TEST_F(SlotKeeperTest, TheFirstTakesAll) {
  EXPECT_EQ(start("a").work.owned.size(), slot_count);
}

TEST_F(SlotKeeperTest, ASecondGetsItsShare) {
  auto& first = start("a");
  auto& second = start("b");
  EXPECT_TRUE(second.work.owned.empty());
  pass(6s);
  EXPECT_EQ(first.work.owned.size(), 32u);
  EXPECT_EQ(second.work.owned.size(), 32u);
  auto& third = start("c");
  pass(10s);
  EXPECT_EQ(third.work.owned.size(), 20u) << "what the others have beyond 22 each";
  EXPECT_EQ(first.work.owned.size(), 22u);
  EXPECT_EQ(second.work.owned.size(), 22u);
}

TEST_F(SlotKeeperTest, ASlotIsGivenUpOnceNothingOfItIsUnderWay) {
  auto& first = start("a");
  first.work.busy.set(63);
  auto& second = start("b");
  pass(10s);
  EXPECT_EQ(first.work.owned.size(), 32u) << "nothing more is begun";
  EXPECT_TRUE(second.work.owned.empty());
  first.work.busy.reset();
  pass(5s);
  EXPECT_EQ(second.work.owned.size(), 32u);
}

TEST_F(SlotKeeperTest, ACleanStopGivesAllBackAtOnce) {
  auto& first = start("a");
  auto& second = start("b");
  pass(6s);
  first.keeper.stop();
  test::drain(io);
  state->owners.erase("a");
  test::run_on(io, first.keeper.release(never));
  first.work.owned.clear();
  pass(4s);
  EXPECT_EQ(second.work.owned.size(), slot_count);
}

// A channel that takes its time must not cost the lease: another process would send the same again.
TEST_F(SlotKeeperTest, AProcessThatEndsRenewsItsLeasesAndTakesNoMore) {
  auto& first = start("a");
  auto& second = start("b");
  pass(6s);
  first.keeper.take_no_more();
  second.keeper.stop();
  test::drain(io);
  state->owners.erase("b");
  test::run_on(io, second.keeper.release(never));
  second.work.owned.clear();
  pass(20s);
  EXPECT_EQ(first.work.owned.size(), 32u);
  start("c");
  pass(6s);
  EXPECT_EQ(first.work.owned.size(), 32u) << "it leaves all of them soon";
  EXPECT_EQ(processes.back()->work.owned.size(), 32u);
}

TEST_F(SlotKeeperTest, WhatIsUnderWayAtTheEndIsNotGivenAway) {
  auto& first = start("a");
  start("b");
  pass(6s);
  first.work.busy.set(*first.work.owned.begin());
  first.keeper.stop();
  test::drain(io);
  state->owners.erase("a");
  test::run_on(io, first.keeper.release(never));
  first.work.owned.clear();
  pass(4s);
  EXPECT_EQ(processes.back()->work.owned.size(), slot_count - 1u);
}

TEST_F(SlotKeeperTest, WhatIsGivenBackIsTakenBeforeTheNextHeartbeat) {
  auto& first = start("a");
  auto& second = start("b");
  pass(6s);
  first.keeper.stop();
  test::drain(io);
  state->owners.erase("a");
  test::run_on(io, first.keeper.release(never));
  first.work.owned.clear();
  pass(200ms);
  const auto held = second.work.owned.size();
  state->late.free_slots = true;
  pass(200ms);
  EXPECT_LE(held, slot_count);
  EXPECT_EQ(second.work.owned.size(), slot_count);
}

TEST_F(SlotKeeperTest, AnOutageIsWaitedFor) {
  auto& first = start("a");
  state->away = true;
  pass(10s);
  EXPECT_EQ(first.work.owned.size(), slot_count) << "the leases end by themselves";
  state->away = false;
  start("b");
  pass(6s);
  EXPECT_EQ(first.work.owned.size(), 32u);
}

// The lease may have little left.
TEST_F(SlotKeeperTest, AfterAnOutageTheLeasesAreRenewedAtOnce) {
  start("a");
  state->away = true;
  pass(3s);
  state->away = false;
  const auto before = state->holds;
  pass(250ms);
  EXPECT_EQ(state->holds, before + 1);
  pass(1500ms);
  EXPECT_EQ(state->holds, before + 1) << "and then at the usual pace";
}

TEST_F(SlotKeeperTest, WhatMayHaveBeenGivenBackIsNotUsed) {
  auto& first = start("a");
  auto& second = start("b");
  state->release_on_its_way.emplace();
  pass(3s);
  ASSERT_EQ(state->release_on_its_way->size(), 32u);
  EXPECT_EQ(first.work.owned.size(), 32u);
  const auto late = *std::exchange(state->release_on_its_way, std::nullopt);
  test::run_on(io, storage.release_slots(late, never));
  pass(6s);
  EXPECT_EQ(first.work.owned.size(), 32u);
  EXPECT_EQ(second.work.owned.size(), 32u);
}

TEST_F(SlotKeeperTest, TheStoresClockIsLookedAtWithEachHeartbeat) {
  state->ahead = 100ms;
  auto& process = start("a");
  EXPECT_EQ(process.keeper.clock_ahead(), 100ms);
  state->ahead = -3s;
  pass(3s);
  EXPECT_EQ(process.keeper.clock_ahead(), -3s);
}

TEST_F(SlotKeeperTest, LateCommitsAreAskedForSeveralTimesASecond) {
  auto& first = start("a");
  state->late.entries.resize(3);
  pass(200ms);
  EXPECT_EQ(first.work.late, 3u);
}

TEST_F(SlotKeeperTest, ManyLateCommitsAreAskedForWithoutAPause) {
  auto& first = start("a");
  state->late.entries.resize(3);
  state->late.more = true;
  state->late_next.entries.resize(2);
  test::drain(io);  // until it waits
  clock.advance(200ms);
  test::drain(io);
  EXPECT_EQ(first.work.late, 5u);
}

}  // namespace
}  // namespace tern::proactive
