#include <tern/async/manual_clock.hpp>
#include <tern/storage/memory_storage.hpp>

#include <gtest/gtest.h>

#include "support/run.hpp"

namespace tern {

namespace {

constexpr auto never = Deadline::never();

class MemoryStorageTest : public ::testing::Test {
 protected:
  static MemoryStorageLimits limits(std::uint64_t bytes, std::uint64_t sends) {
    MemoryStorageLimits bounds;
    bounds.bytes = bytes;
    bounds.sends = sends;
    return bounds;
  }
  static StoreChanges with_upsert(std::string key, std::string document) {
    StoreChanges changes;
    changes.upserts.emplace_back(std::move(key), std::move(document));
    return changes;
  }
  ScheduledSend make_send(std::string idempotency_key = {}) const {
    ScheduledSend send;
    send.order_key = "c";
    send.handle = SendHandle{slot_of("c"), clock.wall_now() + std::chrono::seconds(1), new_send_id()};
    send.idempotency_key = std::move(idempotency_key);
    return send;
  }
  StoreChanges with_sends(int count) const {
    StoreChanges changes;
    for (int i = 0; i < count; ++i) {
      changes.sends.push_back(make_send());
    }
    return changes;
  }
  static StoreReceipt commit(MemoryStorage& store, StoreChanges changes) {
    auto written = test::run(store.write(std::move(changes), never));
    EXPECT_TRUE(written.has_value());
    return std::move(*written);
  }
  static bool overloaded(MemoryStorage& store, StoreChanges changes) {
    try {
      (void)test::run(store.write(std::move(changes), never));
    } catch (const system_error& error) {
      return error.code() == errc::overloaded;
    }
    return false;
  }
  static std::uint64_t pending(MemoryStorage& store) { return test::run(store.count_sends(never)).pending; }

  ManualClock clock;
};

}  // namespace

TEST_F(MemoryStorageTest, PromisesNothing) {
  MemoryStorage store;
  EXPECT_EQ(store.traits().name, "memory");
  EXPECT_FALSE(store.traits().durable);
  EXPECT_FALSE(store.traits().shared);
}

TEST_F(MemoryStorageTest, FullStoreTakesNothingMoreAndSaysSo) {
  MemoryStorage store(limits(100, 10), clock);
  commit(store, with_upsert("a", std::string(49, 'x')));
  commit(store, with_upsert("b", std::string(49, 'x')));
  EXPECT_TRUE(overloaded(store, with_upsert("c", "")));
  EXPECT_TRUE(overloaded(store, with_upsert("a", std::string(50, 'x'))));
  auto several = with_upsert("a", "small");
  several.upserts.emplace_back("large", std::string(100, 'x'));
  several.sends.push_back(make_send());
  EXPECT_TRUE(overloaded(store, std::move(several)));
  EXPECT_EQ(test::run(store.read({"a"}, never)).begin()->document.size(), 49u);
  EXPECT_EQ(pending(store), 0u);
}

TEST_F(MemoryStorageTest, FullStoreStillShrinks) {
  MemoryStorage store(limits(100, 10), clock);
  commit(store, with_upsert("a", std::string(99, 'x')));
  commit(store, with_upsert("a", std::string(98, 'x')));
  commit(store, with_upsert("b", ""));
  StoreChanges exchange;
  exchange.removals.emplace_back("a");
  exchange.upserts.emplace_back("c", std::string(90, 'x'));
  commit(store, std::move(exchange));
  EXPECT_TRUE(overloaded(store, with_upsert("d", std::string(20, 'x'))));
  StoreChanges removal;
  removal.removals.emplace_back("c");
  commit(store, std::move(removal));
  commit(store, with_upsert("d", std::string(20, 'x')));
}

TEST_F(MemoryStorageTest, SpareDocumentsLeaveTheLastEighthToOthers) {
  MemoryStorage store(limits(800, 10), clock);
  const auto spare = [](std::string key, std::size_t size) {
    auto changes = with_upsert(std::move(key), std::string(size, 'x'));
    changes.upserts.back().spare = true;
    return changes;
  };
  EXPECT_NE(commit(store, spare("a", 699)).etags.at(0), "") << "700 bytes of 800";
  EXPECT_EQ(commit(store, spare("b", 1)).etags.at(0), "");
  auto changes = spare("c", 1);
  changes.upserts.emplace_back("state", std::string(80, 'x'));
  const auto receipt = commit(store, std::move(changes));
  EXPECT_EQ(receipt.etags.at(0), "");
  EXPECT_NE(receipt.etags.at(1), "") << "what is no spare document is written all the same";
  EXPECT_EQ(test::run(store.read({"b", "c", "state"}, never)).size(), 1U);
  EXPECT_NE(commit(store, spare("a", 600)).etags.at(0), "") << "what is there may shrink";
  EXPECT_NE(commit(store, spare("b", 1)).etags.at(0), "") << "and then there is room again";
}

TEST_F(MemoryStorageTest, FullScheduleTakesNothingMoreAndSaysSo) {
  MemoryStorage store(limits(1000, 3), clock);
  const auto receipt = commit(store, with_sends(2));
  auto changes = with_sends(2);
  changes.upserts.emplace_back("key", "1");
  EXPECT_TRUE(overloaded(store, std::move(changes)));
  EXPECT_TRUE(test::run(store.read({"key"}, never)).empty());
  EXPECT_EQ(pending(store), 2u);
  commit(store, with_sends(1));
  EXPECT_TRUE(overloaded(store, with_sends(1)));
  StoreChanges cancel;
  cancel.edits.emplace_back(SendEdit::Kind::cancel, receipt.handles[0]);
  commit(store, std::move(cancel));
  commit(store, with_sends(1));
}

TEST_F(MemoryStorageTest, KnownIdempotencyKeyNeedsNoRoom) {
  MemoryStorage store(limits(1000, 1), clock);
  StoreChanges first;
  first.sends.push_back(make_send("key"));
  const auto handle = commit(store, std::move(first)).handles[0];
  StoreChanges again;
  again.sends.push_back(make_send("key"));
  EXPECT_EQ(commit(store, std::move(again)).handles[0], handle);
}

TEST_F(MemoryStorageTest, ForgetsTheOldestIdempotencyKeys) {
  auto bounds = limits(1000, 100);
  bounds.idempotency_keys = 2;
  MemoryStorage store(bounds, clock);
  for (const auto* key : {"a", "b", "c"}) {
    StoreChanges changes;
    changes.sends.push_back(make_send(key));
    commit(store, std::move(changes));
  }
  StoreChanges again;
  again.sends.push_back(make_send("b"));
  again.sends.push_back(make_send("a"));
  const auto receipt = commit(store, std::move(again));
  EXPECT_EQ(receipt.seqs[0], 0u);
  EXPECT_NE(receipt.seqs[1], 0u);
  EXPECT_EQ(pending(store), 4u);
}

TEST_F(MemoryStorageTest, RepetitionOfARescheduledSendYieldsItsHandleOfNow) {
  MemoryStorage store({}, clock);
  StoreChanges first;
  first.sends.push_back(make_send("key"));
  const auto handle = commit(store, std::move(first)).handles[0];
  StoreChanges edit;
  edit.edits.emplace_back(SendEdit::Kind::reschedule, handle, clock.wall_now() + std::chrono::hours(1));
  const auto moved = commit(store, std::move(edit)).edit_handles[0];
  EXPECT_NE(moved, handle);
  StoreChanges again;
  again.sends.push_back(make_send("key"));
  EXPECT_EQ(commit(store, std::move(again)).handles[0], moved);
}

TEST_F(MemoryStorageTest, KeepsTheReasonsOfTheLatestDead) {
  auto bounds = limits(1000, 100);
  bounds.dead = 2;
  MemoryStorage store(bounds, clock);
  const auto handles = commit(store, with_sends(3)).handles;
  const auto leases = test::run(store.hold_slots("owner", {}, slot_count, never)).leases;
  StoreChanges burials;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    burials.outcomes.emplace_back(SendOutcome::Kind::dead, handles[i], 0, leases.at(handles[i].slot));
    burials.outcomes.back().reason = "reason " + std::to_string(i) + std::string(1000, '.');
  }
  EXPECT_TRUE(commit(store, std::move(burials)).refused.empty());
  const auto dead = test::run(store.list_dead({}, never)).sends;
  ASSERT_EQ(dead.size(), 2u);
  EXPECT_EQ(dead[0].send.handle, handles[1]);
  EXPECT_TRUE(dead[1].reason.starts_with("reason 2"));
  EXPECT_EQ(dead[1].reason.size(), 512u);
  const auto counts = test::run(store.count_sends(never));
  EXPECT_EQ(counts.dead, 3u);
  EXPECT_EQ(counts.kept_dead, 2u);
}

TEST_F(MemoryStorageTest, LeasesDoNotExpire) {
  MemoryStorage store({}, clock);
  const auto before = test::run(store.hold_slots("owner", {}, slot_count, never)).leases;
  clock.advance(std::chrono::hours(24 * 365));
  EXPECT_TRUE(test::run(store.hold_slots("another", {}, slot_count, never)).leases.empty());
  ASSERT_EQ(before.size(), slot_count);
  EXPECT_GT(before[0].until, clock.now());
}

TEST_F(MemoryStorageTest, OwnerThatNeverAsksForLateCommitsCostsNoMemoryWithoutEnd) {
  MemoryStorage store({}, clock);
  const auto leases = test::run(store.hold_slots("owner", {}, slot_count, never)).leases;
  for (int i = 0; i < 200; ++i) {
    const auto handles = commit(store, with_sends(50)).handles;
    StoreChanges cancels;
    for (const auto& handle : handles) {
      cancels.edits.emplace_back(SendEdit::Kind::cancel, handle);
    }
    commit(store, std::move(cancels));
  }
  EXPECT_LE(test::run(store.load_late(leases, never)).entries.size(), 2048u);
}

TEST_F(MemoryStorageTest, MovesWithItsContent) {
  MemoryStorage first({}, clock);
  commit(first, with_upsert("key", "1"));
  MemoryStorage second(std::move(first));
  EXPECT_EQ(test::run(second.read({"key"}, never)).size(), 1u);
}

}  // namespace tern
