// What a copy carries of a schedule.

#include "fake_store.hpp"
#include "tools/storage/copy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tern::tools {
namespace {

using testing::HasSubstr;

/// A schedule in memory, behind what a test puts in the way of writes.
class CutStorage {
 public:
  CutStorage(MemoryStorage& store, std::function<void()>& before_write) : store_(store), before_write_(before_write) {}

  StoreTraits traits() const noexcept { return store_.traits(); }
  awaitable<void> open(Deadline by) { return store_.open(by); }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) { return store_.read(std::move(keys), by); }
  awaitable<result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    before_write_();
    return store_.write(std::move(changes), by);
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return store_.scan(std::move(scan), by); }
  awaitable<void> close(Deadline by) { return store_.close(by); }
  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want, Deadline by) {
    return store_.hold_slots(std::move(owner), std::move(held), want, by);
  }
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by) {
    return store_.release_slots(std::move(held), by);
  }
  awaitable<DuePage> load_due(DueQuery due, Deadline by) { return store_.load_due(std::move(due), by); }
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by) {
    return store_.load_late(std::move(held), by);
  }
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by) {
    return store_.fetch(std::move(entries), by);
  }
  void put_back(const std::vector<DueEntry>& entries) noexcept { store_.put_back(entries); }
  awaitable<SendPage> list_sends(SendQuery query, Deadline by) { return store_.list_sends(std::move(query), by); }
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by) { return store_.list_dead(std::move(query), by); }
  awaitable<KeyPage> list_keys(KeyQuery query, Deadline by) { return store_.list_keys(std::move(query), by); }
  awaitable<SendCounts> count_sends(Deadline by) { return store_.count_sends(by); }
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by) {
    return store_.estimate_due(from, until, by);
  }

 private:
  MemoryStorage& store_;
  std::function<void()>& before_write_;
};

class CopySends : public ::testing::Test {
 protected:
  CopySends() {
    StoreChanges changes;
    changes.upserts.emplace_back("a document", "{}");
    test::run(from_.write(std::move(changes), Deadline::never()));
  }
  void schedule(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      ScheduledSend send;
      send.order_key = "conversation " + std::to_string(i % 7);
      send.handle = {slot_of(send.order_key), WallTime(std::chrono::hours(500'000) + std::chrono::seconds(i / 3)),
                     new_send_id()};
      send.payload = std::string(i % 50 == 0 ? 200'000 : 20, static_cast<char>('a' + i % 26));
      send.idempotency_key = i % 2 == 0 ? "key " + std::to_string(i) : "";
      send.attempt = static_cast<std::uint32_t>(i % 4);
      StoreChanges changes;
      changes.sends.push_back(std::move(send));
      test::run(from_.write(std::move(changes), Deadline::never()));
    }
  }
  AnyStorage from() { return AnyStorage::make<CutStorage>(from_, free_); }
  AnyStorage to() { return AnyStorage::make<CutStorage>(*to_, before_write); }
  CopyReport run(bool restart = false) {
    return test::run(copy(from(), to(), CopyOptions{"source", restart}, progress));
  }
  std::vector<ScheduledSend> sends(MemoryStorage& store) {
    std::vector<ScheduledSend> all;
    SendQuery query;
    do {
      query.limit = 1000;
      auto page = test::run(store.list_sends(query, Deadline::never()));
      all.insert(all.end(), page.sends.begin(), page.sends.end());
      query.after = page.next;
    } while (!query.after.empty());
    return all;
  }
  void expect_a_copy() {
    const auto wanted = sends(from_);
    const auto found = sends(*to_);
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ(found[i].handle, wanted[i].handle) << i;
      EXPECT_EQ(found[i].payload, wanted[i].payload);
      EXPECT_EQ(found[i].attempt, wanted[i].attempt);
    }
    const auto keys = [](MemoryStorage& store) {
      return test::run(store.list_keys(KeyQuery(), Deadline::never())).keys;
    };
    ASSERT_EQ(keys(*to_).size(), keys(from_).size());
    for (std::size_t i = 0; i < keys(from_).size(); ++i) {
      EXPECT_EQ(keys(*to_)[i].key, keys(from_)[i].key);
      EXPECT_EQ(keys(*to_)[i].known.handle, keys(from_)[i].known.handle);
      EXPECT_EQ(keys(*to_)[i].came, keys(from_)[i].came);
    }
    EXPECT_EQ(test::run(to_->scan(StoreScan("", 10), Deadline::never())).items.size(), 1U) << "no note is left";
  }

  MemoryStorage from_;
  std::unique_ptr<MemoryStorage> to_ = std::make_unique<MemoryStorage>();
  std::function<void()> before_write = [] {};
  Progress progress;

 private:
  std::function<void()> free_ = [] {};
};

TEST_F(CopySends, CarriesThemInTheirOrderUnderTheirHandlesWithTheirKeys) {
  schedule(500);
  const auto report = run();
  EXPECT_EQ(report.schedule.sends, 500U);
  EXPECT_EQ(report.schedule.keys, 250U);
  expect_a_copy();
}

TEST_F(CopySends, GoesOnWhereItWasCutWhereverThatWas) {
  schedule(300);
  for (int cut = 0; cut < 30; ++cut) {
    to_ = std::make_unique<MemoryStorage>();
    int writes = 0;
    before_write = [&] {
      if (writes++ == cut) {
        throw_error(errc::storage_unavailable, "cut");
      }
    };
    if (error_of([&] { run(); }) == "no error") {
      ASSERT_GT(cut, 5);
      return;
    }
    before_write = [] {};
    run();
    expect_a_copy();
  }
  FAIL() << "never ends";
}

TEST_F(CopySends, BeginsAnewOverWhatWasCut) {
  schedule(300);
  int writes = 0;
  before_write = [&] {
    if (writes++ == 4) {
      throw_error(errc::storage_unavailable, "cut");
    }
  };
  EXPECT_NE(error_of([&] { run(); }), "no error");
  before_write = [] {};
  ASSERT_FALSE(sends(*to_).empty());
  run(true);
  expect_a_copy();
}

TEST_F(CopySends, RefusesATargetWithSendsOfItsOwn) {
  schedule(1);
  ScheduledSend send;
  send.handle = {slot_of(""), WallTime(std::chrono::hours(500'000)), new_send_id()};
  StoreChanges changes;
  changes.sends.push_back(std::move(send));
  test::run(to_->write(std::move(changes), Deadline::never()));
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("not empty"));
}

TEST_F(CopySends, TellsWhenTheTargetDiffers) {
  schedule(10);
  int writes = 0;
  before_write = [&] {
    if (++writes == 3) {  // the documents, the sends, the keys
      StoreChanges changes;
      changes.edits.emplace_back(SendEdit::Kind::cancel, sends(*to_).front().handle);
      test::run(to_->write(std::move(changes), Deadline::never()));
    }
  };
  EXPECT_THAT(error_of([&] { run(); }), testing::AllOf(HasSubstr("9 pending sends"), HasSubstr("Stop its bot")));
}

TEST_F(CopySends, CarriesTheDeadToo) {
  const auto leases = test::run(from_.hold_slots("owner", {}, slot_count, Deadline::never())).leases;
  schedule(350);
  StoreChanges burials;
  for (const auto& send : sends(from_)) {
    burials.outcomes.emplace_back(SendOutcome::Kind::dead, send.handle, 0, leases.at(send.handle.slot));
    burials.outcomes.back().reason = "rejected with 400";
  }
  test::run(from_.write(std::move(burials), Deadline::never()));
  schedule(1);
  EXPECT_EQ(run().schedule.dead, 350U);
  expect_a_copy();
  const auto dead = [](MemoryStorage& store) {
    return test::run(store.list_dead(DeadQuery{std::nullopt, "", 1000}, Deadline::never())).sends;
  };
  ASSERT_EQ(dead(*to_).size(), 350U);
  const auto wanted = dead(from_);
  const auto found = dead(*to_);
  for (std::size_t i = 0; i < 350; ++i) {
    EXPECT_EQ(found[i].send.handle, wanted[i].send.handle);
    EXPECT_EQ(found[i].reason, "rejected with 400");
    EXPECT_EQ(found[i].died, wanted[i].died);
  }
}

TEST_F(CopySends, LeavesThemWhenItIsToldSo) {
  schedule(10);
  test::run(copy(from(), to(), CopyOptions{"source", false, true}, progress));
  EXPECT_TRUE(sends(*to_).empty());
}

}  // namespace
}  // namespace tern::tools
