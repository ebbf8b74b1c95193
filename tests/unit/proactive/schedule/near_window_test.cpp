#include "proactive/schedule/near_window.hpp"

#include "proactive/schedule/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const WallTime start{std::chrono::hours(24 * 365 * 56)};

DueEntry entry(std::chrono::milliseconds due, std::uint64_t seq, std::uint64_t key, std::uint16_t slot = 0) {
  DueEntry made;
  made.due = start + due;
  made.seq = seq;
  made.id[0] = static_cast<std::uint8_t>(seq);
  made.order_hash = key;
  made.slot = slot;
  return made;
}

std::vector<std::uint64_t> take(NearWindow& window, std::chrono::milliseconds now, std::size_t limit = 100) {
  std::vector<std::uint64_t> seqs;
  for (const auto& taken : window.take_due(start + now, limit)) {
    seqs.push_back(taken.seq);
  }
  return seqs;
}

TEST(NearWindow, HandsOutWhatIsDueInOrderAndNothingEarly) {
  NearWindow window(100);
  window.add_loaded(entry(30ms, 1, 1));
  window.add_loaded(entry(10ms, 2, 2));
  window.add_loaded(entry(10ms, 3, 3));
  EXPECT_THAT(take(window, 9ms), IsEmpty());
  EXPECT_EQ(window.next_due(), start + 10ms);
  EXPECT_THAT(take(window, 10ms), ElementsAre(2, 3));
  EXPECT_THAT(take(window, 29ms), IsEmpty());
  EXPECT_THAT(take(window, 40ms), ElementsAre(1));
}

// Of an order key of its own, whose fixed hash, which slots and stores go by, is the same: such keys can be reckoned.
TEST(NearWindow, AnOrderKeyThatIsMadeUpHoldsUpNoOther) {
  const std::string zero = "\xd5\x6b\xb9\x53\x42\x87\x08\x36";
  ScheduledSend strangers;
  strangers.order_key = zero + std::string(1, '\0') + "local/msteams/a:1";
  ScheduledSend victims;
  victims.order_key = zero + "local/msteams/a:1";
  ASSERT_EQ(stable_hash(strangers.order_key), stable_hash(victims.order_key));
  strangers.handle = victims.handle = {slot_of(victims.order_key), start, {}};
  NearWindow window(100);
  window.add_loaded(entry_of(strangers, 1));
  window.add_loaded(entry_of(victims, 2));
  EXPECT_THAT(take(window, 0ms), ElementsAre(1, 2)) << "the stranger's is under way";
}

// Whatever the hash says, the slot is the entry's.
TEST(NearWindow, ForgetsWhatIsUnderWayOfASlotThatIsDropped) {
  NearWindow window(100);
  window.add_loaded(entry(10ms, 1, 7, 3));
  EXPECT_THAT(take(window, 10ms), ElementsAre(1));
  window.drop_slot(3);
  window.add_loaded(entry(10ms, 1, 7, 3));
  EXPECT_THAT(take(window, 10ms), IsEmpty()) << "what it is follows once this one has ended";
  window.release(7);
  EXPECT_THAT(take(window, 10ms), ElementsAre(1));
}

TEST(NearWindow, LetsOneOfAKeyGoAtATime) {
  NearWindow window(100);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    window.add_loaded(entry(10ms, seq, 7));
  }
  EXPECT_THAT(take(window, 10ms), ElementsAre(1));
  EXPECT_THAT(take(window, 20ms), IsEmpty());
  window.release(7);
  EXPECT_THAT(take(window, 20ms), ElementsAre(2));
  window.release(7);
  EXPECT_THAT(take(window, 20ms), ElementsAre(3));
  window.release(7);
  EXPECT_THAT(take(window, 20ms), IsEmpty());
  EXPECT_EQ(window.size(), 0U);
}

TEST(NearWindow, DropsASecondOfWhatIsUnderWay) {
  NearWindow window(100);
  window.add_loaded(entry(10ms, 1, 7));
  window.add_loaded(entry(10ms, 1, 7));
  EXPECT_THAT(take(window, 10ms), ElementsAre(1));
  EXPECT_THAT(take(window, 10ms), IsEmpty());
  EXPECT_EQ(window.size(), 0U);
  window.release(7);
  EXPECT_THAT(take(window, 20ms), IsEmpty());
}

// What is under way may be put back by an owner that has lost the slot meanwhile; what was loaded after that counts.
TEST(NearWindow, KeepsASecondOfWhatIsUnderWayWhenTheSlotWasGivenUpBetween) {
  NearWindow window(100);
  window.add_loaded(entry(10ms, 1, slot_count + 7, 7));
  EXPECT_THAT(take(window, 10ms), ElementsAre(1));
  window.drop_slot(7);
  window.add_loaded(entry(10ms, 1, slot_count + 7, 7));
  EXPECT_THAT(take(window, 10ms), IsEmpty());
  window.release(slot_count + 7);
  EXPECT_THAT(take(window, 20ms), ElementsAre(1));
}

TEST(NearWindow, ARetryHoldsTheLaterOnesOfItsKey) {
  NearWindow window(100);
  window.add_loaded(entry(10ms, 1, 7));
  window.add_loaded(entry(20ms, 2, 7));
  EXPECT_THAT(take(window, 10ms), ElementsAre(1));
  window.retry(entry(100ms, 1, 7));
  EXPECT_THAT(take(window, 99ms), IsEmpty());
  EXPECT_THAT(take(window, 100ms), ElementsAre(1));
  window.release(7);
  EXPECT_THAT(take(window, 100ms), ElementsAre(2));
}

TEST(NearWindow, ARetryThatIsMovedWaitsNoMore) {
  NearWindow window(100);
  window.set_covered(0, {start + 1s, UINT64_MAX});
  window.add_loaded(entry(10ms, 1, 7));
  EXPECT_THAT(take(window, 10ms), ElementsAre(1));
  window.retry(entry(1h, 1, 7));
  window.add_loaded(entry(30ms, 2, 7));
  EXPECT_THAT(take(window, 30ms), IsEmpty());
  auto moved = entry(20ms, 1, 7);
  ++moved.generation;
  EXPECT_TRUE(window.add_committed(moved));
  EXPECT_THAT(take(window, 30ms), ElementsAre(1));
  window.release(7);
  EXPECT_THAT(take(window, 30ms), ElementsAre(2));
  window.release(7);
  EXPECT_THAT(take(window, 1h), ElementsAre(1)) << "for which the store has nothing to give";
}

TEST(NearWindow, ACancelledRetryHoldsNothingBack) {
  NearWindow window(100);
  auto first = entry(10ms, 1, 7);
  first.id[0] = 1;
  window.add_loaded(first);
  EXPECT_THAT(take(window, 10ms), ElementsAre(1));
  first.due = start + 1h;
  window.retry(first);
  window.add_loaded(entry(30ms, 2, 7));
  EXPECT_THAT(take(window, 30ms), IsEmpty());
  window.forget_retry({2});
  EXPECT_THAT(take(window, 30ms), IsEmpty());
  window.forget_retry(first.id);
  EXPECT_THAT(take(window, 30ms), ElementsAre(2));
  EXPECT_EQ(window.size(), 1U);
}

TEST(NearWindow, WhatASweepFindsIsNotHeldTwice) {
  NearWindow window(4);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    window.add_loaded(entry(10ms, seq, 7));
  }
  EXPECT_THAT(take(window, 10ms), ElementsAre(1));
  for (int sweep = 0; sweep < 5; ++sweep) {
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      window.add_swept(entry(10ms, seq, 7));
    }
    EXPECT_THAT(take(window, 10ms), IsEmpty());
  }
  EXPECT_EQ(window.size(), 2U);
  window.add_swept(entry(10ms, 5, 7));  // of the same key, and missing here
  EXPECT_THAT(take(window, 10ms), IsEmpty());
  EXPECT_EQ(window.size(), 3U);
  window.add_swept(entry(10ms, 4, 8));
  EXPECT_THAT(take(window, 10ms), ElementsAre(4)) << "another key's was missing";
}

TEST(NearWindow, AnEarlierOneThatComesLateGoesBeforeTheNextInLine) {
  NearWindow window(100);
  window.set_covered(0, {start + 1s, UINT64_MAX});
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    window.add_loaded(entry(10ms * seq, seq, 7));
  }
  EXPECT_THAT(take(window, 30ms), ElementsAre(1));
  window.release(7);  // 2 is next, and has not gone yet
  EXPECT_TRUE(window.add_committed(entry(15ms, 4, 7)));
  EXPECT_THAT(take(window, 30ms), ElementsAre(4));
  window.release(7);
  EXPECT_THAT(take(window, 30ms), ElementsAre(2));
  window.release(7);
  EXPECT_THAT(take(window, 30ms), ElementsAre(3));
}

TEST(NearWindow, RetriesThatLieFarAheadTakeNoRoomFromWhatIsDue) {
  NearWindow window(4);
  for (std::uint64_t key = 1; key <= 6; ++key) {
    window.add_loaded(entry(0ms, key, key));
    ASSERT_THAT(take(window, 0ms), ElementsAre(key));
    window.retry(entry(1h, key, key));
  }
  EXPECT_EQ(window.size(), 0U);
  // Four are held; the keys of the others are free, and the store has them.
  window.add_loaded(entry(1ms, 11, 1));
  window.add_loaded(entry(1ms, 15, 5));
  EXPECT_THAT(take(window, 1ms), ElementsAre(15));
  EXPECT_THAT(take(window, 1h), ElementsAre(1, 2, 3, 4));
}

TEST(NearWindow, TakesACommittedEntryOnlyWhereItHoldsAll) {
  NearWindow window(100);
  window.set_covered(3, {start + 50ms, UINT64_MAX});
  EXPECT_TRUE(window.add_committed(entry(50ms, 9, 1, 3)));
  EXPECT_FALSE(window.add_committed(entry(51ms, 10, 1, 3)));
  EXPECT_FALSE(window.add_committed(entry(10ms, 11, 1, 4))) << "nothing of slot 4 was loaded";
}

TEST(NearWindow, AFullWindowShrinksInsteadOfGrowing) {
  NearWindow window(2);
  window.set_covered(0, {start + 1s, UINT64_MAX});
  EXPECT_TRUE(window.add_committed(entry(100ms, 1, 1)));
  EXPECT_TRUE(window.add_committed(entry(200ms, 2, 2)));
  EXPECT_FALSE(window.add_committed(entry(150ms, 3, 3)));
  EXPECT_EQ(window.size(), 2U);
  EXPECT_LT(window.covered(0).due, start + 151ms) << "the store is asked again from there on";
  EXPECT_FALSE(window.add_committed(entry(160ms, 4, 4)));
}

TEST(NearWindow, ForgetsASlot) {
  NearWindow window(100);
  window.add_loaded(entry(10ms, 1, 1, 5));
  window.add_loaded(entry(10ms, 2, 2, 6));
  window.add_loaded(entry(10ms, 3, 2, 6));
  EXPECT_THAT(take(window, 10ms), ElementsAre(1, 2));
  window.drop_slot(6);
  EXPECT_EQ(window.size(), 0U);
  window.release(2);
  EXPECT_THAT(take(window, 20ms), IsEmpty());
}

TEST(NearWindow, ALimitLeavesTheRestForTheNextTime) {
  NearWindow window(100);
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    window.add_loaded(entry(10ms, seq, seq));
  }
  EXPECT_THAT(take(window, 10ms, 2), ElementsAre(1, 2));
  EXPECT_THAT(take(window, 10ms, 2), ElementsAre(3, 4));
  EXPECT_THAT(take(window, 10ms, 2), ElementsAre(5));
}

}  // namespace
}  // namespace tern::proactive
