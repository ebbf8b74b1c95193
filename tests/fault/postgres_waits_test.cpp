// Who waits for whom: deadlocks, deadlines that pass inside a batch, figures, and the start.

#include <tern/async/log.hpp>
#include <tern/error.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "connections.hpp"
#include "support/postgres_server.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <thread>

namespace tern::fault {

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

class PostgresWaits : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = test::PostgresServer::obstacle(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    log::configure(log::Level::error, log::Format::text);
    server.emplace();
    administrator.emplace(server->url());
    options.url = server->url();
    options.read_lanes = 1;
    options.statement_timeout = 60s;
  }
  void TearDown() override {
    if (store) {
      test::run(store->close(Deadline::after(5s)));
    }
  }

  void open() {
    store.emplace(options);
    test::run(store->open(Deadline::after(20s)));
  }
  void administer(const std::string& sql) {
    pqxx::nontransaction work(*administrator);
    work.exec(sql);
  }
  /// Asked anew on a connection of its own, since a transaction's statistics stay as they are.
  int number_of(const std::string& sql) {
    pqxx::connection connection(server->url());
    pqxx::nontransaction work(connection);
    return work.exec(sql)[0][0].as<int>();
  }
  /// Waits until a connection of the store waits for a lock.
  void wait_for_blocked() {
    const auto until = std::chrono::steady_clock::now() + test::patience;
    while (number_of("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tern' AND "
                     "wait_event_type = 'Lock'") == 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
    }
  }
  static StoreChanges two_documents() {
    StoreChanges changes;
    changes.upserts.emplace_back("a", "ours");
    changes.upserts.emplace_back("b", "ours");
    return changes;
  }
  void hold_the_migration() {
    const auto key = static_cast<std::int64_t>(stable_hash("tern schema " + options.schema));
    administer("SELECT pg_advisory_lock(" + std::to_string(key) + ")");
  }

  std::optional<test::PostgresServer> server;
  std::optional<pqxx::connection> administrator;
  PostgresOptions options;
  std::optional<PostgresStorage> store;
};

struct Outcome {
  error_code error;
  bool answered = false;
};

awaitable<void> scan_into(PostgresStorage& store, Deadline by, Outcome& outcome) {
  try {
    (void)co_await store.scan(StoreScan("", 10), by);
    outcome.answered = true;
  } catch (const system_error& error) {
    outcome.error = error.code();
  }
}

}  // namespace

TEST_F(PostgresWaits, DeadlocksAreTriedAgain) {
  administer(
      "ALTER DATABASE postgres SET deadlock_timeout = '2s'");  // so that all of it is there when it is looked for
  open();
  ASSERT_TRUE(test::run(store->write(two_documents(), Deadline::never())).has_value());
  administer("SET deadlock_timeout = '60s'");  // the store's transaction is the one that is ended
  administer("BEGIN; UPDATE tern.documents SET document = 'theirs' WHERE key = 'b'");
  auto written = std::async(std::launch::async,
                            [&] { return test::run(store->write(two_documents(), Deadline::never())).has_value(); });
  wait_for_blocked();
  administer("UPDATE tern.documents SET document = 'theirs' WHERE key = 'a'; COMMIT");
  EXPECT_TRUE(written.get());
  // That there was one; the server's figures come a moment later.
  const auto until = std::chrono::steady_clock::now() + test::patience;
  while (number_of("SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'") == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "there was no deadlock";
  }
  const auto items = test::run(store->read({"a", "b"}, Deadline::never()));
  ASSERT_EQ(items.size(), 2U);
  for (const auto& item : items) {
    EXPECT_EQ(item.document, "ours");
  }
}

TEST_F(PostgresWaits, WhatComesTooLateInABatchIsNotBegun) {
  open();
  ASSERT_TRUE(test::run(store->write(two_documents(), Deadline::never())).has_value());
  administer(R"(
    ALTER TABLE tern.documents RENAME TO fast_documents;
    CREATE VIEW tern.documents AS WITH pause AS MATERIALIZED (SELECT pg_sleep(0.4))
      SELECT d.key, d.document, d.etag FROM tern.fast_documents AS d CROSS JOIN pause)");
  asio::io_context io{1};
  std::vector<Outcome> outcomes(4);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto by = i + 1 < outcomes.size() ? Deadline::never() : Deadline::after(600ms);
    asio::co_spawn(io, scan_into(*store, by, outcomes[i]), [](std::exception_ptr error) {
      if (error) {
        std::rethrow_exception(error);
      }
    });
  }
  io.run();
  EXPECT_TRUE(outcomes[0].answered && outcomes[1].answered && outcomes[2].answered);
  EXPECT_EQ(outcomes[3].error, errc::timed_out);
  EXPECT_EQ(store->stats().read_batches, 3U);
}

TEST_F(PostgresWaits, WhatIsDueDoesNotWaitForFigures) {
  open();
  const auto leases = test::run(store->hold_slots("owner", {}, slot_count, Deadline::never())).leases;
  ASSERT_FALSE(leases.empty());
  administer("BEGIN; LOCK TABLE tern.counter IN ACCESS EXCLUSIVE MODE");
  auto counts = std::async(std::launch::async, [&] { return test::run(store->count_sends(Deadline::never())); });
  wait_for_blocked();
  DueQuery due;
  due.lease = leases.front();
  due.until = system_clock().wall_now();
  EXPECT_NO_THROW(test::run(store->load_due(due, Deadline::after(5s))));
  administer("COMMIT");
  EXPECT_EQ(counts.get().pending, 0U);
}

TEST_F(PostgresWaits, AMigrationMayTakeLongerThanToReachTheServer) {
  hold_the_migration();
  const detail::pg::ConnectionString target(options.url);
  detail::pg::Counters counters;
  detail::pg::Connections connections(target, options, counters, std::make_shared<detail::pg::Health>());
  const auto reached_by = std::chrono::steady_clock::now() + 500ms;
  auto opened = std::async(std::launch::async, [&] { connections.open(reached_by, reached_by + test::patience); });
  wait_for_blocked();
  while (std::chrono::steady_clock::now() < reached_by) {
    std::this_thread::yield();
  }
  administer("SELECT pg_advisory_unlock_all()");
  EXPECT_NO_THROW(opened.get());
  EXPECT_TRUE(connections.is_up(0));
  connections.close();
}

TEST_F(PostgresWaits, AMigrationThatTakesTooLongIsTold) {
  hold_the_migration();
  PostgresStorage late(options);
  try {
    test::run(late.open(Deadline::after(1s)));
    ADD_FAILURE() << "it opened";
  } catch (const system_error& error) {
    EXPECT_EQ(error.code(), errc::storage_unavailable);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("was not brought to version"), HasSubstr("tern-storage schema")));
  }
}

}  // namespace tern::fault
