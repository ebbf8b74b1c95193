#include "proactive/schedule/window_loader.hpp"

#include <tern/async/manual_clock.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using Wake = WindowLoader::Wake;

class WindowLoaderTest : public ::testing::Test {
 protected:
  void hold(const std::vector<std::uint16_t>& numbers, std::uint64_t epoch = 1) {
    std::vector<SlotLease> leases;
    for (const auto slot : numbers) {
      leases.push_back({slot, epoch, SteadyTime::max(), {}});
    }
    loader.slots_changed(slots.own(leases));
  }
  DueEntry entry(std::uint16_t slot, WallTime::duration due_in) {
    DueEntry one;
    one.slot = slot;
    one.due = start + due_in;
    one.seq = ++seq;
    one.order_hash = seq;
    std::memcpy(one.id.data(), &seq, sizeof seq);
    return one;
  }
  std::optional<DueQuery> next() { return loader.next_page(clock.wall_now()); }
  SteadyTime::duration pause() { return loader.pause(clock.wall_now()); }
  Wake commit(const DueEntry& one) { return loader.committed(one, clock.now()); }
  /// Loads all there is to load, of a store that holds nothing.
  void load_nothing() {
    while (next()) {
      loader.loaded({});
    }
  }

  ManualClock clock;
  const WallTime start = clock.wall_now();
  std::uint64_t seq = 0;
  NearWindow window{4 * slot_count};  // pages of two entries
  SlotLeases slots{clock};
  WindowLoader loader{window, slots, {30s, 1s, std::nullopt}, clock.now()};
};

TEST_F(WindowLoaderTest, LoadsEachSlotOnceUpToTheWindowsEnd) {
  hold({3, 5});
  std::vector<std::uint16_t> asked;
  while (const auto query = next()) {
    asked.push_back(query->lease.slot);
    EXPECT_EQ(query->until, start + 30s);
    EXPECT_EQ(query->limit, 2u);
    loader.loaded({});
  }
  EXPECT_EQ(asked, (std::vector<std::uint16_t>{3, 5}));
  EXPECT_FALSE(loader.horizon());
  EXPECT_EQ(pause(), 1s);
}

TEST_F(WindowLoaderTest, TheSlotThatIsKnownLeastFarIsNext) {
  hold({3, 5});
  ASSERT_EQ(next()->lease.slot, 3);
  const auto first = entry(3, 2s);
  loader.loaded({{first}, true});
  EXPECT_EQ(loader.horizon(), WallTime::min()) << "of slot 5 nothing is known";
  ASSERT_EQ(next()->lease.slot, 5);
  loader.loaded({{entry(5, 9s)}, true});
  EXPECT_EQ(loader.horizon(), start + 2s);
  const auto query = next();
  ASSERT_EQ(query->lease.slot, 3);
  EXPECT_EQ(query->from, first.due);
  EXPECT_EQ(query->after_seq, first.seq);
}

TEST_F(WindowLoaderTest, LoadsAnewWhenHalfOfTheWindowHasPassed) {
  hold({3});
  load_nothing();
  clock.advance(14s);
  EXPECT_FALSE(next());
  EXPECT_GT(pause(), 0s);
  clock.advance(1s);
  EXPECT_EQ(pause(), 0s);
  const auto query = next();
  ASSERT_TRUE(query);
  EXPECT_EQ(query->from, start + 30s - 1ns) << "what was loaded is not asked for again";
}

TEST_F(WindowLoaderTest, ASlotThatIsTakenIsLoadedAtOnce) {
  hold({3});
  load_nothing();
  hold({3, 4});
  EXPECT_EQ(pause(), 0s);
  EXPECT_EQ(next()->lease.slot, 4);
}

TEST_F(WindowLoaderTest, APageOfASlotThatWentMeanwhileIsNotTaken) {
  hold({3});
  ASSERT_TRUE(next());
  hold({});
  hold({3}, 2);
  EXPECT_TRUE(loader.loaded({{entry(3, 1s)}, false}).empty());
  EXPECT_EQ(window.size(), 0u);
  const auto query = next();
  ASSERT_TRUE(query);
  EXPECT_EQ(query->lease.epoch, 2u);
}

TEST_F(WindowLoaderTest, AfterAFailureTheSameIsAskedForAgain) {
  hold({3, 5});
  ASSERT_TRUE(next());
  loader.loaded({});
  ASSERT_EQ(next()->lease.slot, 5);
  loader.failed();
  EXPECT_FALSE(loader.horizon()) << "what is here may go";
  EXPECT_EQ(pause(), 0s);
  EXPECT_EQ(next()->lease.slot, 5);
}

TEST_F(WindowLoaderTest, TellsTheSenderOfACommitThatIsDueFirst) {
  hold({3});
  load_nothing();
  EXPECT_EQ(commit(entry(3, 5s)), Wake::sender);
  EXPECT_EQ(commit(entry(3, 6s)), Wake::nobody);
  EXPECT_EQ(commit(entry(3, 40s)), Wake::nobody) << "it is loaded later";
  EXPECT_EQ(commit(entry(4, 1s)), Wake::nobody) << "another owner has it";
  EXPECT_EQ(window.size(), 2u);
}

TEST_F(WindowLoaderTest, ACommitThatComesAgainIsKnown) {
  hold({3});
  load_nothing();
  const auto one = entry(3, 5s);
  EXPECT_EQ(commit(one), Wake::sender);
  EXPECT_EQ(commit(one), Wake::nobody);
  EXPECT_EQ(window.size(), 1u);
  EXPECT_TRUE(loader.forget(one)) << "it came again";
  EXPECT_EQ(commit(one), Wake::sender);
}

// The page may have been read before the commit.
TEST_F(WindowLoaderTest, WhatIsToldOfWhileItsPageIsReadIsGivenBack) {
  hold({3, 5});
  ASSERT_EQ(next()->lease.slot, 3);
  const auto told = entry(3, 20s);
  EXPECT_EQ(commit(told), Wake::nobody);
  EXPECT_EQ(commit(entry(5, 20s)), Wake::nobody) << "its page comes later";
  const auto again = loader.loaded({});
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again.front().id, told.id);
  EXPECT_EQ(commit(again.front()), Wake::sender);
}

TEST_F(WindowLoaderTest, AFullWindowWaitsForRoomAndLoadsWhatHadNone) {
  hold({3});
  std::size_t pages = 0;
  while (const auto query = next()) {
    ++pages;
    loader.loaded({{entry(3, 1s + pages * 1ms), entry(3, 1s + pages * 1ms)}, true});
  }
  EXPECT_EQ(window.size(), window.capacity());
  EXPECT_EQ(pause(), 1s);
  EXPECT_FALSE(loader.has_found_room());
  clock.advance(2s);
  for (const auto& due : window.take_due(clock.wall_now(), window.capacity())) {
    window.release(due.order_hash);
  }
  EXPECT_TRUE(loader.has_found_room());
  const auto query = next();
  ASSERT_TRUE(query);
  EXPECT_EQ(query->from, start + 1s + pages * 1ms);
}

// Simulation 5: one slot had filled the window before another was read at all.
TEST_F(WindowLoaderTest, ASlotThatWasNotReadForWantOfRoomIsReadOnceThereIsSome) {
  hold({3});
  load_nothing();
  for (std::size_t i = 0; i < window.capacity(); ++i) {
    commit(entry(3, 1s));
  }
  hold({3, 5});
  EXPECT_FALSE(next()) << "there is no room";
  EXPECT_EQ(pause(), 1s);
  clock.advance(1s);
  (void)window.take_due(clock.wall_now(), window.capacity());
  EXPECT_TRUE(loader.has_found_room());
  EXPECT_EQ(pause(), 0s);
  const auto query = next();
  ASSERT_TRUE(query);
  EXPECT_EQ(query->lease.slot, 5);
}

TEST_F(WindowLoaderTest, ACommitWithoutRoomIsLoadedAgain) {
  hold({3});
  load_nothing();
  for (std::size_t i = 0; i < window.capacity(); ++i) {
    commit(entry(3, 10s));
  }
  EXPECT_EQ(commit(entry(3, 12s)), Wake::loader);
  clock.advance(11s);
  (void)window.take_due(clock.wall_now(), window.capacity());
  EXPECT_EQ(pause(), 0s);
  EXPECT_EQ(next()->from, start + 12s);
}

TEST_F(WindowLoaderTest, SweepsASharedStoreUnlessItIsBehind) {
  hold({3});
  EXPECT_FALSE(loader.begin_sweep(clock.now() + 1h, clock.wall_now() + 1h)) << "nobody else writes to it";
  WindowLoader shared{window, slots, {30s, 1s, 60s}, clock.now()};
  EXPECT_FALSE(shared.begin_sweep(clock.now() + 59s, clock.wall_now()));
  window.add_loaded(entry(3, -5s));
  EXPECT_FALSE(shared.begin_sweep(clock.now() + 60s, clock.wall_now())) << "it has enough to do";
  window.drop_slot(3);
  EXPECT_TRUE(shared.begin_sweep(clock.now() + 60s, clock.wall_now()));
  EXPECT_FALSE(shared.begin_sweep(clock.now() + 61s, clock.wall_now()));
  const auto query = shared.overdue(3, start);
  EXPECT_EQ(query.until, start);
  EXPECT_EQ(query.from, WallTime());
  shared.swept(3, {{entry(3, -1s)}, false});
  shared.swept(4, {{entry(4, -1s)}, false});
  EXPECT_EQ(window.size(), 1u) << "the other slot is not held";
}

}  // namespace
}  // namespace tern::proactive
