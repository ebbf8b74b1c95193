// Two processes on one schedule.

#include <tern/async/log.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "storage/process_name.hpp"
#include "support/postgres_server.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace tern::fault {

namespace {

using namespace std::chrono_literals;
using Kind = SendOutcome::Kind;

constexpr Deadline never = Deadline::never();

class PostgresSchedule : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = test::PostgresServer::obstacle(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    log::configure(log::Level::error, log::Format::text);
    server.emplace();
    PostgresOptions options;
    options.url = server->url();
    options.lease = 1h;
    owner.emplace(options, clock);
    other.emplace(options, clock);
    test::run(owner->open(never));
    test::run(other->open(never));
    leases = test::run(owner->hold_slots("owner", {}, slot_count, never)).leases;
  }
  void TearDown() override {
    for (auto* store : {&owner, &other}) {
      if (*store) {
        test::run((*store)->close(never));
      }
    }
  }

  static SendHandle schedule(PostgresStorage& store, WallTime due) {
    ScheduledSend send;
    send.order_key = "a conversation";
    send.handle = {slot_of(send.order_key), due, new_send_id()};
    StoreChanges changes;
    changes.sends.push_back(send);
    EXPECT_TRUE(test::run(store.write(changes, never)).has_value());
    return send.handle;
  }
  static EditOutcome edit(PostgresStorage& store, SendEdit::Kind kind, const SendHandle& handle, WallTime when = {}) {
    StoreChanges changes;
    changes.edits.emplace_back(kind, handle, when);
    return test::run(store.write(changes, never))->edits.at(0);
  }
  static bool report(PostgresStorage& store, const SendOutcome& outcome) {
    StoreChanges changes;
    changes.outcomes.push_back(outcome);
    return test::run(store.write(changes, never))->refused.empty();
  }
  std::vector<DueEntry> load(WallTime until) {
    DueQuery query;
    query.lease = lease();
    query.until = until;
    return test::run(owner->load_due(query, never)).entries;
  }
  SlotLease lease() const { return leases.at(slot_of("a conversation")); }

  ManualClock clock;
  std::optional<test::PostgresServer> server;
  std::optional<PostgresStorage> owner;
  std::optional<PostgresStorage> other;
  std::vector<SlotLease> leases;
};

}  // namespace

TEST_F(PostgresSchedule, TheOwnerIsToldWhatAnotherCommitsIntoItsWindow) {
  const auto now = clock.wall_now();
  EXPECT_TRUE(load(now + 30s).empty());
  const auto soon = schedule(*other, now + 5s);
  schedule(*other, now + 1h);  // a later load finds it
  const auto late = test::run(owner->load_late(leases, never));
  ASSERT_EQ(late.entries.size(), 1U);
  EXPECT_EQ(late.entries[0].id, soon.id);
  EXPECT_EQ(test::run(owner->fetch(late.entries, never)).size(), 1U);
  EXPECT_TRUE(test::run(owner->load_late(leases, never)).entries.empty());
}

TEST_F(PostgresSchedule, AnotherMayCancelUntilItIsTheOwnersPart) {
  const auto now = clock.wall_now();
  const auto later = schedule(*other, now + 10s);
  const auto soon = schedule(*other, now + 1s);
  auto entries = load(now + 30s);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(edit(*other, SendEdit::Kind::cancel, later), EditOutcome::done);
  EXPECT_EQ(edit(*other, SendEdit::Kind::cancel, soon), EditOutcome::too_late);
  const auto sends = test::run(owner->fetch(entries, never));
  ASSERT_EQ(sends.size(), 1U);
  EXPECT_EQ(sends[0].handle, soon);
}

TEST_F(PostgresSchedule, TheOwnerIsToldWhatAnotherReschedules) {
  const auto now = clock.wall_now();
  const auto handle = schedule(*other, now + 1h);
  EXPECT_TRUE(load(now + 30s).empty());
  EXPECT_EQ(edit(*other, SendEdit::Kind::reschedule, handle, now + 3s), EditOutcome::done);
  const auto late = test::run(owner->load_late(leases, never)).entries;
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(test::run(owner->fetch(late, never)).size(), 1U);
  EXPECT_EQ(edit(*owner, SendEdit::Kind::cancel, handle), EditOutcome::too_late) << "it is being sent";
}

TEST_F(PostgresSchedule, AnotherMayCancelAnythingOfASlotThatNobodyHolds) {
  const auto overdue = schedule(*other, clock.wall_now() - 1h);
  EXPECT_EQ(edit(*other, SendEdit::Kind::cancel, overdue), EditOutcome::too_late);
  test::run(owner->release_slots(leases, never));
  EXPECT_EQ(edit(*other, SendEdit::Kind::cancel, overdue), EditOutcome::done);
}

TEST_F(PostgresSchedule, WhoLostASlotMaySayOnlyThatASendWasSent) {
  const auto now = clock.wall_now();
  const auto first = schedule(*owner, now);
  const auto second = schedule(*owner, now);
  const auto entries = load(now + 1s);
  ASSERT_EQ(test::run(owner->fetch(entries, never)).size(), 2U);
  test::run(other->release_slots(leases, never));  // as if its lease were over
  EXPECT_EQ(test::run(other->hold_slots("other", {}, slot_count, never)).leases.size(), slot_count);
  SendOutcome retry(Kind::retry, first, 0, lease());
  retry.attempt = 1;
  retry.not_before = now + 1h;
  EXPECT_FALSE(report(*owner, retry));
  SendOutcome dead(Kind::dead, first, 0, lease());
  dead.reason = "stale";
  EXPECT_FALSE(report(*owner, dead));
  EXPECT_TRUE(report(*owner, SendOutcome(Kind::sent, second, 0, lease())));
  const auto counts = test::run(other->count_sends(never));
  EXPECT_EQ(counts.pending, 1U);
  EXPECT_EQ(counts.sent, 1U);
  EXPECT_EQ(counts.dead, 0U);
}

TEST_F(PostgresSchedule, WhatIsGivenBackIsSeenAtOnce) {
  EXPECT_FALSE(test::run(other->load_late({}, never)).free_slots);
  test::run(owner->release_slots(leases, never));
  EXPECT_TRUE(test::run(other->load_late({}, never)).free_slots);
  const auto held = test::run(other->hold_slots("other", {}, slot_count, never));
  EXPECT_EQ(held.leases.size(), slot_count);
  EXPECT_EQ(held.owners, 1);
}

// Its lease would last an hour.
TEST_F(PostgresSchedule, SlotsOfAProcessOfThisMachineThatEndedAreFree) {
  test::run(owner->release_slots(leases, never));
  auto ended = storage::process_name();
  const auto unique = ended.rfind('/');
  const auto start = ended.rfind('/', unique - 1);
  ended.replace(start + 1, unique - start - 1, "1");  // started in another moment, under this process's id
  EXPECT_EQ(test::run(owner->hold_slots(ended, {}, slot_count, never)).leases.size(), slot_count);
  EXPECT_EQ(test::run(other->hold_slots(storage::process_name(), {}, slot_count, never)).leases.size(), slot_count);
}

TEST_F(PostgresSchedule, ADueTimeBeyondFiveYearsIsRefused) {
  StoreChanges changes;
  ScheduledSend send;
  send.order_key = "a conversation";
  send.handle = {slot_of(send.order_key), clock.wall_now() + std::chrono::years(6), new_send_id()};
  changes.sends.push_back(send);
  try {
    (void)test::run(owner->write(changes, never));
    FAIL() << "it was taken";
  } catch (const system_error& error) {
    EXPECT_EQ(error.code(), errc::invalid_argument);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("five years"));
  }
}

}  // namespace tern::fault
