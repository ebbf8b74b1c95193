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
  EXPECT_EQ(administer("SELECT version FROM tern.schema_version").size(), 1U);
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
