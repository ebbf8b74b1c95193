// Two processes on one schedule.

#include <tern/async/log.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "schedule_statements.hpp"
#include "storage/process_name.hpp"
#include "support/postgres_server.hpp"
#include "support/run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
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
  /// In conversations of their own, and by the other process.
  std::set<std::array<std::uint8_t, 16>> commit_many(WallTime due, std::size_t count) {
    StoreChanges changes;
    std::set<std::array<std::uint8_t, 16>> committed;
    for (std::size_t i = 0; i < count; ++i) {
      ScheduledSend send;
      send.order_key = "conversation " + std::to_string(i);
      send.handle = {slot_of(send.order_key), due, new_send_id()};
      committed.insert(send.handle.id);
      changes.sends.push_back(std::move(send));
    }
    EXPECT_TRUE(test::run(other->write(std::move(changes), never)).has_value());
    return committed;
  }
  /// Two arrays in SQL: the slots that are held, and their epochs.
  std::string all_leases() const {
    std::string slots;
    std::string epochs;
    for (const auto& held : leases) {
      slots += (slots.empty() ? "" : ",") + std::to_string(held.slot);
      epochs += (epochs.empty() ? "" : ",") + std::to_string(held.epoch);
    }
    return "'{" + slots + "}', '{" + epochs + "}'";
  }
  SlotLease lease() const { return leases.at(slot_of("a conversation")); }

  pqxx::result administer(const std::string& sql) {
    pqxx::connection connection(server->url() + "?application_name=administrator");
    pqxx::nontransaction work(connection);
    return work.exec(sql);
  }
  /// The server's processes that have committed, and wait for another server to have it too before they say so.
  std::set<int> committed_and_silent() {
    std::set<int> found;
    for (const auto& row : administer("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) {
      found.insert(row[0].as<int>());
    }
    return found;
  }

  ManualClock clock;
  std::optional<test::PostgresServer> server;
  std::optional<PostgresStorage> owner;
  std::optional<PostgresStorage> other;
  std::vector<SlotLease> leases;
};

awaitable<void> write_into(PostgresStorage& store, StoreChanges changes, std::exception_ptr& error, bool& ended) {
  try {
    (void)co_await store.write(std::move(changes), never);
  } catch (...) {
    error = std::current_exception();
  }
  ended = true;
}

/// A write that was begun and is looked at from time to time.
class Begun {
 public:
  Begun(PostgresStorage& store, StoreChanges changes) {
    asio::co_spawn(io_, write_into(store, std::move(changes), error_, ended_), [](std::exception_ptr) {});
    has_ended();
  }
  bool has_ended() {
    io_.restart();
    io_.poll();
    return ended_;
  }
  bool has_failed() {
    io_.restart();
    io_.run();
    return error_ != nullptr;
  }

 private:
  asio::io_context io_{1};
  std::exception_ptr error_;
  bool ended_ = false;
};

bool wait_until(const std::function<bool()>& holds) {
  const auto patience = std::chrono::steady_clock::now() + test::patience;
  while (std::chrono::steady_clock::now() < patience) {
    if (holds()) {
      return true;
    }
  }
  return false;
}

/// The owner's write is committed, but the connection breaks before the server says so.
class PostgresLostAnswer : public PostgresSchedule {
 protected:
  void lose_the_answer_of(const StoreChanges& changes) {
    administer("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    administer("SELECT pg_reload_conf()");
    StoreChanges document;
    document.upserts.emplace_back("key", "{}");
    std::optional<Begun> first;  // the server takes its time to reload
    ASSERT_TRUE(wait_until([&] {
      if (!first || first->has_ended()) {
        first.emplace(*other, document);
      }
      return !committed_and_silent().empty();
    }));
    const auto others = committed_and_silent();
    Begun write(*owner, changes);
    std::set<int> both;
    ASSERT_TRUE(wait_until([&] { return (both = committed_and_silent()).size() > others.size(); }));
    for (const auto pid : both) {
      if (!others.contains(pid)) {
        administer("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
      }
    }
    EXPECT_TRUE(write.has_failed());
    administer("ALTER SYSTEM RESET synchronous_standby_names");
    administer("SELECT pg_reload_conf()");
    (void)first->has_failed();
  }
};

}  // namespace

TEST_F(PostgresSchedule, TellsHowFarItsClockIsAhead) {
  const auto apart = std::chrono::system_clock::now() - clock.wall_now();
  const auto held = test::run(owner->hold_slots("owner", leases, slot_count, never));
  ASSERT_TRUE(held.clock_ahead);
  EXPECT_LT(std::chrono::abs(*held.clock_ahead - apart), 1min);
}

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

// It loads these anyway. Reading each of them twice took a fifth of the server's time after a restart.
TEST_F(PostgresSchedule, ANewOwnerIsNotToldOfWhatItLoads) {
  const auto now = clock.wall_now();
  test::run(owner->release_slots(leases, never));
  const auto soon = schedule(*other, now + 5s);
  leases = test::run(owner->hold_slots("owner", {}, slot_count, never)).leases;
  ASSERT_EQ(leases.size(), slot_count);
  EXPECT_TRUE(test::run(owner->load_late(leases, never)).entries.empty());
  const auto entries = load(now + 30s);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].id, soon.id);
  const auto later = schedule(*other, now + 6s);
  leases = test::run(owner->hold_slots("owner", leases, slot_count, never)).leases;  // renewed, not taken
  const auto late = test::run(owner->load_late(leases, never));
  ASSERT_EQ(late.entries.size(), 1U);
  EXPECT_EQ(late.entries[0].id, later.id);
}

// The connection that asks renews the leases too: 70,000 entries in one answer took longer than a heartbeat may.
TEST_F(PostgresSchedule, TheOwnerIsToldOfVeryManyInParts) {
  constexpr std::size_t all = 2'500;
  const auto now = clock.wall_now();
  EXPECT_TRUE(load(now + 30s).empty());
  const auto committed = commit_many(now + 5s, all);
  std::set<std::array<std::uint8_t, 16>> told;
  std::size_t parts = 0;
  bool more = true;
  for (; more && parts < 10; ++parts) {
    const auto late = test::run(owner->load_late(leases, never));
    EXPECT_LE(late.entries.size(), 1'000U);
    for (const auto& entry : late.entries) {
      EXPECT_TRUE(told.insert(entry.id).second);
    }
    more = late.more;
  }
  EXPECT_EQ(parts, 3U);
  EXPECT_EQ(told, committed);
}

// Rows that were taken stay in the table until a vacuum. A bitmap of the index looks at all of them at each call: 95 ms
// of the server's time for 100,000, several times a second.
TEST_F(PostgresSchedule, AskingForLateSendsDoesNotLookAtThoseThatWereTaken) {
  constexpr std::size_t all = 10'000;
  administer("ALTER TABLE tern.inbox SET (autovacuum_enabled = off)");
  EXPECT_TRUE(load(clock.wall_now() + 30s).empty());
  commit_many(clock.wall_now() + 5s, all);
  for (bool more = true; more;) {
    more = test::run(owner->load_late(leases, never)).more;
  }
  pqxx::connection connection(server->url());
  pqxx::nontransaction work(connection);
  work.exec("PREPARE ask (int4[], int8[], int8) AS " + detail::pg::ScheduleStatements("tern").take_inbox.sql);
  const auto pages = [&] {
    const auto plan = work.exec("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE ask(" + all_leases() + ", 1000)");
    return boost::json::parse(plan[0][0].as<std::string>())
        .at(0)
        .at("Plan")
        .at("Shared Hit Blocks")
        .to_number<std::size_t>();
  };
  pages();  // marks the index
  EXPECT_LT(pages(), all / 4);
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

// What this process knows of the place of a retry is not true of the send that another has moved.
TEST_F(PostgresSchedule, ARetryThatAnotherReschedulesIsHandedOut) {
  const auto now = clock.wall_now();
  const auto handle = schedule(*owner, now);
  ASSERT_EQ(test::run(owner->fetch(load(now + 1s), never)).size(), 1U);
  SendOutcome retry(Kind::retry, handle, 0, lease());
  retry.attempt = 1;
  retry.not_before = now + 30s;
  ASSERT_TRUE(report(*owner, retry));
  (void)test::run(owner->load_late(leases, never));
  ASSERT_EQ(edit(*other, SendEdit::Kind::reschedule, handle, now + 10s), EditOutcome::done);
  const auto late = test::run(owner->load_late(leases, never)).entries;
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(test::run(owner->fetch(late, never)).size(), 1U);
}

TEST_F(PostgresSchedule, ARetryThatAnOldOwnerHadSentComesBackAtItsNextTime) {
  const auto now = clock.wall_now();
  const auto handle = schedule(*owner, now);
  ASSERT_EQ(test::run(owner->fetch(load(now + 1s), never)).size(), 1U);
  test::run(other->release_slots(leases, never));  // as if its lease were over
  const auto taken = test::run(other->hold_slots("other", {}, slot_count, never)).leases;
  DueQuery query;
  query.lease = taken.at(handle.slot);
  query.until = now + 1s;
  const auto entries = test::run(other->load_due(query, never)).entries;
  ASSERT_EQ(test::run(other->fetch(entries, never)).size(), 1U);
  SendOutcome retry(Kind::retry, handle, 0, query.lease);
  retry.attempt = 1;
  retry.not_before = now + 30s;
  ASSERT_TRUE(report(*other, retry));
  SendOutcome sent(Kind::sent, handle, 0, lease());
  sent.next = now + 40s;
  ASSERT_TRUE(report(*owner, sent));
  const auto late = test::run(other->load_late(taken, never)).entries;
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(test::run(other->fetch(late, never)).size(), 1U);
}

// The outcomes stand, but whoever reported them was not told so, and reports them again.
TEST_F(PostgresLostAnswer, OutcomesWhoseCommitWasNotAnsweredEndTheSendingAllTheSame) {
  const auto now = clock.wall_now();
  const auto daily = schedule(*owner, now);
  const auto lost = schedule(*owner, now);
  ASSERT_EQ(test::run(owner->fetch(load(now + 1s), never)).size(), 2U);
  StoreChanges outcomes;
  outcomes.outcomes.emplace_back(Kind::sent, daily, 0, lease());
  outcomes.outcomes.back().next = now + 10s;
  outcomes.outcomes.emplace_back(Kind::dead, lost, 0, lease());

  lose_the_answer_of(outcomes);
  std::vector<std::size_t> refused;
  ASSERT_TRUE(wait_until([&] {
    try {
      refused = test::run(owner->write(outcomes, never))->refused;
      return true;
    } catch (const system_error&) {
      return false;  // it connects again
    }
  }));
  EXPECT_EQ(refused, (std::vector<std::size_t>{0, 1})) << "the first try was not committed";
  EXPECT_EQ(edit(*owner, SendEdit::Kind::redrive, lost, now + 20s), EditOutcome::done);
  const auto entries = load(now + 1min);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(test::run(owner->fetch(entries, never)).size(), 2U);
}

TEST_F(PostgresLostAnswer, TheOwnerIsToldWhatItCommittedWithoutKnowing) {
  const auto now = clock.wall_now();
  const auto handle = schedule(*owner, now + 1h);
  EXPECT_TRUE(load(now + 30s).empty());
  StoreChanges move;
  move.edits.emplace_back(SendEdit::Kind::reschedule, handle, now + 5s);
  lose_the_answer_of(move);
  std::vector<ScheduledSend> sends;
  ASSERT_TRUE(wait_until([&] {
    try {
      sends = test::run(owner->fetch(test::run(owner->load_late(leases, never)).entries, never));
      return true;
    } catch (const system_error&) {
      return false;  // it connects again
    }
  }));
  ASSERT_EQ(sends.size(), 1U);
  EXPECT_EQ(sends[0].handle.due, now + 5s);
}

// A send of another's slot, and in the same transaction the reply that cancels it.
TEST_F(PostgresSchedule, AReplyCancelsTheSendThatCameJustBeforeItForAnotherOwner) {
  constexpr int moments = 20;
  for (int i = 0; i < moments; ++i) {
    ScheduledSend send;
    send.order_key = "a conversation";
    send.cancel_on_reply = "a conversation";
    send.handle = {slot_of(send.order_key), clock.wall_now() + 1s, new_send_id()};
    StoreChanges reminder;
    reminder.sends.push_back(send);
    StoreChanges reply;
    reply.edits.push_back(SendEdit::on_reply("a conversation"));
    Begun first(*other, reminder);
    Begun second(*other, reply);
    ASSERT_FALSE(first.has_failed());
    ASSERT_FALSE(second.has_failed());
    // The reply came in a later transaction than the send when the machine is slow: then it is the owner's part.
    StoreChanges cancel;
    cancel.edits.emplace_back(SendEdit::Kind::cancel, send.handle);
    (void)test::run(owner->write(cancel, never));
  }
  EXPECT_EQ(test::run(other->count_sends(never)).pending, 0U);
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
