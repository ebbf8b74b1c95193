#include <tern/async/log.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "support/postgres_server.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include <atomic>
#include <thread>
#include <vector>

namespace tern::fault {

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PostgresSchema : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = test::PostgresServer::obstacle(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    log::configure(log::Level::error, log::Format::text);
    server.emplace();
  }

  PostgresOptions options() const {
    PostgresOptions made;
    made.url = server->url();
    return made;
  }
  pqxx::result administer(const std::string& sql) {
    pqxx::connection connection(server->url());
    const pqxx::quiet_errorhandler quiet(connection);
    pqxx::nontransaction work(connection);
    return work.exec(sql);
  }
  /// What `open` says, "" when it opens.
  static std::string refusal_of(const PostgresOptions& given, errc expected) {
    try {
      PostgresStorage store(given);
      test::run(store.open(Deadline::after(20s)));
      test::run(store.close(Deadline::after(5s)));
      return {};
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), expected) << error.what();
      return error.what();
    }
  }
  static void use_schedule(PostgresStorage& store) {
    const auto now = system_clock().wall_now();
    StoreChanges changes;
    for (const auto due : {now, now + std::chrono::weeks(3)}) {
      ScheduledSend send;
      send.order_key = "a conversation";
      send.handle = {slot_of(send.order_key), due, new_send_id()};
      changes.sends.push_back(std::move(send));
    }
    const auto written = test::run(store.write(changes, Deadline::after(5s)));
    ASSERT_TRUE(written.has_value());
    const auto leases = test::run(store.hold_slots("owner", {}, slot_count, Deadline::after(5s))).leases;
    ASSERT_EQ(leases.size(), slot_count);
    DueQuery due;
    due.lease = leases.at(changes.sends[0].handle.slot);
    due.until = now + 1s;
    auto entries = test::run(store.load_due(due, Deadline::after(5s))).entries;
    ASSERT_EQ(entries.size(), 1U);
    ASSERT_EQ(test::run(store.fetch(entries, Deadline::after(5s))).size(), 1U);
    StoreChanges outcome;
    outcome.outcomes.emplace_back(SendOutcome::Kind::sent, changes.sends[0].handle, 0, due.lease);
    outcome.edits.emplace_back(SendEdit::Kind::cancel, changes.sends[1].handle);
    EXPECT_TRUE(test::run(store.write(outcome, Deadline::after(5s)))->refused.empty());
    EXPECT_EQ(test::run(store.count_sends(Deadline::after(5s))).pending, 0U);
    test::run(store.release_slots(leases, Deadline::after(5s)));
  }
  static void use(const PostgresOptions& given) {
    PostgresStorage store(given);
    test::run(store.open(Deadline::after(20s)));
    StoreChanges changes;
    changes.upserts.emplace_back("key", "1");
    EXPECT_TRUE(test::run(store.write(changes, Deadline::after(5s))).has_value());
    EXPECT_EQ(test::run(store.read({"key"}, Deadline::after(5s))).size(), 1U);
    EXPECT_EQ(test::run(store.scan(StoreScan(""), Deadline::after(5s))).items.size(), 1U);
    StoreChanges removal;
    removal.removals.emplace_back("key");
    EXPECT_TRUE(test::run(store.write(removal, Deadline::after(5s))).has_value());
    use_schedule(store);
    test::run(store.close(Deadline::after(5s)));
  }

  std::optional<test::PostgresServer> server;
};

}  // namespace

TEST_F(PostgresSchema, ReplicasThatStartAtOnceAgree) {
  std::atomic<int> opened = 0;
  std::vector<std::thread> replicas;
  for (int i = 0; i < 8; ++i) {
    replicas.emplace_back([&] {
      PostgresStorage store(options());
      test::run(store.open(Deadline::after(20s)));
      ++opened;
      test::run(store.close(Deadline::after(5s)));
    });
  }
  for (auto& replica : replicas) {
    replica.join();
  }
  EXPECT_EQ(opened, 8);
  EXPECT_STREQ(administer("SELECT count(*) = max(version) FROM tern.schema_version")[0][0].c_str(), "t");
}

TEST_F(PostgresSchema, AnOlderVersionIsMigratedAndKeepsItsDocuments) {
  administer(
      "CREATE SCHEMA tern; "
      "CREATE TABLE tern.schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now()); "
      "INSERT INTO tern.schema_version (version) VALUES (1); "
      "CREATE TABLE tern.documents (key bytea PRIMARY KEY, document text NOT NULL, etag bigint NOT NULL); "
      "CREATE SEQUENCE tern.etag AS bigint; "
      "INSERT INTO tern.documents VALUES ('old', '\"kept\"', nextval('tern.etag'))");
  PostgresStorage store(options());
  test::run(store.open(Deadline::after(20s)));
  use_schedule(store);
  EXPECT_EQ(test::run(store.read({"old"}, Deadline::after(5s))).begin()->document, "\"kept\"");
  test::run(store.close(Deadline::after(5s)));
}

TEST_F(PostgresSchema, KeysOfAnEarlierVersionAreKnownAndNotCompared) {
  const auto make = [] {
    StoreChanges changes;
    ScheduledSend send;
    send.order_key = "a conversation";
    send.handle = {slot_of(send.order_key), system_clock().wall_now() + 1h, new_send_id()};
    send.idempotency_key = "key";
    send.digest.fill(1);
    changes.sends.push_back(std::move(send));
    return changes;
  };
  SendHandle first;
  {
    PostgresStorage store(options());
    test::run(store.open(Deadline::after(20s)));
    first = test::run(store.write(make(), Deadline::after(5s)))->handles.at(0);
    test::run(store.close(Deadline::after(5s)));
  }
  administer("ALTER TABLE tern.idempotency DROP COLUMN digest; DELETE FROM tern.schema_version WHERE version = 3");
  auto checking = options();
  checking.create_schema = false;
  EXPECT_THAT(refusal_of(checking, errc::invalid_argument), HasSubstr("version 3"));
  PostgresStorage store(options());
  test::run(store.open(Deadline::after(20s)));
  // A process of the earlier version that is still running.
  administer(
      "INSERT INTO tern.idempotency (key, slot, due, id, made) "
      "SELECT 'its key', slot, due, id, made FROM tern.idempotency WHERE key = 'key'");
  for (const auto* key : {"key", "its key"}) {
    auto changes = make();
    changes.sends[0].idempotency_key = key;
    const auto again = test::run(store.write(changes, Deadline::after(5s)));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->handles.at(0).id, first.id);
  }
  test::run(store.close(Deadline::after(5s)));
}

TEST_F(PostgresSchema, WeeksAreDroppedOnceTheyAreOverAndEmpty) {
  use(options());
  administer("SELECT tern.add_send_week(2900); SELECT tern.add_send_week(2901); SELECT tern.add_send_week(2902)");
  administer(
      "INSERT INTO tern.send SELECT 2901 * 604800000000000 + 1, 1, 1, NULL, NULL, gen_random_uuid(), 0, 0, 0, 0, 0, "
      "false, '', '{}', '{}', '', '', '', ''");
  EXPECT_EQ(administer("SELECT tern.drop_drained_weeks(2902)")[0][0].as<int>(), 1);
  EXPECT_EQ(administer("SELECT 1 FROM pg_class WHERE relname IN ('send_w2901', 'send_w2902')").size(), 2U);
  // A store that knew of a week that is gone makes it again.
  PostgresStorage store(options());
  test::run(store.open(Deadline::after(20s)));
  for (int i = 0; i < 2; ++i) {
    ScheduledSend send;
    send.order_key = "a conversation";
    send.handle = {slot_of(send.order_key), WallTime(2902 * std::chrono::weeks(1) + std::chrono::hours(1)),
                   new_send_id()};
    StoreChanges changes;
    changes.sends.push_back(send);
    EXPECT_TRUE(test::run(store.write(changes, Deadline::after(5s))).has_value());
    administer("DROP TABLE tern.send_w2902");
  }
  test::run(store.close(Deadline::after(5s)));
}

TEST_F(PostgresSchema, NewerVersionIsRefused) {
  use(options());
  administer("INSERT INTO tern.schema_version (version) VALUES (99)");
  EXPECT_THAT(refusal_of(options(), errc::invalid_argument), HasSubstr("version 99"));
  auto checking = options();
  checking.create_schema = false;
  EXPECT_THAT(refusal_of(checking, errc::invalid_argument), HasSubstr("version 99"));
}

TEST_F(PostgresSchema, MissingSchemaIsToldWhenItMayNotBeCreated) {
  auto checking = options();
  checking.create_schema = false;
  EXPECT_THAT(refusal_of(checking, errc::invalid_argument), HasSubstr("postgres_schema_sql"));
}

TEST_F(PostgresSchema, PrintedSqlIsEnoughForARoleThatMayCreateNothing) {
  administer("CREATE ROLE \"the bot\" LOGIN");
  auto limited = options();
  limited.schema = "Bots_1";
  limited.url += "?user=the%20bot";
  EXPECT_THAT(refusal_of(limited, errc::invalid_argument), HasSubstr("postgres_schema_sql"));
  const auto sql = postgres_schema_sql("Bots_1", "the bot");
  administer(sql);
  administer(sql);
  use(limited);
  limited.create_schema = false;
  use(limited);
}

TEST_F(PostgresSchema, DatabaseInAnotherEncodingIsRefused) {
  administer("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
  auto latin = options();
  latin.url.replace(latin.url.rfind("postgres"), 8, "latin");
  EXPECT_THAT(refusal_of(latin, errc::invalid_argument), HasSubstr("LATIN1"));
}

TEST_F(PostgresSchema, ServersDefaultsAreNotReliedOn) {
  administer("ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'");
  administer("ALTER DATABASE postgres SET synchronous_commit = off");
  administer("ALTER DATABASE postgres SET bytea_output = 'escape'");
  administer("ALTER DATABASE postgres SET client_encoding = 'LATIN1'");
  use(options());
}

TEST_F(PostgresSchema, WrongUserOrDatabaseIsToldAtOnceAndWithoutThePassword) {
  auto wrong = options();
  wrong.url += "?user=nobody&password=geheim";
  EXPECT_THAT(refusal_of(wrong, errc::invalid_argument), AllOf(HasSubstr("nobody"), Not(HasSubstr("geheim"))));
  wrong.url = server->url() + "x?password=geheim";
  EXPECT_THAT(refusal_of(wrong, errc::invalid_argument), AllOf(HasSubstr("postgresx"), Not(HasSubstr("geheim"))));
  wrong.url = server->url() + "?sslmode=require&password=geheim";
  EXPECT_THAT(refusal_of(wrong, errc::invalid_argument), AllOf(HasSubstr("SSL"), Not(HasSubstr("geheim"))));
}

}  // namespace tern::fault
