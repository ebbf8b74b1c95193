#include <tern/async/log.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "fault/load.hpp"
#include "support/postgres_server.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include <cstdlib>

namespace tern::fault {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto deadline = 2s;
constexpr auto scheduling = 1s;  // what a loaded machine may add

long from_environment(const char* name, long otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::strtol(given, nullptr, 10) : otherwise;
}

bool only_outages(const LoadReport& report) {
  for (const auto& [error, count] : report.errors) {
    const bool known = error.find("storage") != std::string::npos || error.find("Postgres") != std::string::npos;
    if (!known) {
      return false;
    }
  }
  return true;
}

std::string all_errors(const LoadReport& report) {
  std::string text;
  for (const auto& [error, count] : report.errors) {
    text += std::to_string(count) + " x " + error + "\n";
  }
  return text;
}

// A server of the test's own and a store on it, since these tests break the server.
class PostgresFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = test::PostgresServer::obstacle(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    log::configure(log::Level::error, log::Format::text);
    server.emplace();
    PostgresOptions options;
    options.url = server->url();
    options.write_lanes = 2;
    PostgresStorage made(std::move(options));
    obstacle = made.obstacle();
    store = AnyStorage::make<PostgresStorage>(std::move(made));
    test::run(store->open(Deadline::after(20s)));
  }
  void TearDown() override {
    if (store && !closed) {
      test::run(store->close(Deadline::after(5s)));
    }
  }

  // Runs a statement as an administrator.
  void administer(const std::string& sql) {
    pqxx::connection connection(server->url() + "?application_name=administrator");
    pqxx::nontransaction work(connection);
    work.exec(sql);
  }

  // The server is back: within two seconds operations succeed again, and nobody fails any more.
  void expect_well_soon(Load& load, SteadyTime back) {
    ASSERT_TRUE(load.wait_until([&](const LoadReport& report) {
      return report.first_done_since_mark > back && report.first_done_since_mark != SteadyTime::max();
    }));
    const auto report = load.report();
    EXPECT_LT(report.first_done_since_mark - back, 2s + scheduling / 2);
    // The first connection works before the last is there, and only then all is well.
    EXPECT_TRUE(load.wait_until([&](const LoadReport&) { return obstacle().empty(); })) << obstacle();
  }

  std::optional<test::PostgresServer> server;
  std::optional<AnyStorage> store;
  std::function<std::string()> obstacle;
  bool closed = false;
};

bool some_done(const LoadReport& report) {
  return report.done >= 500;
}

}  // namespace

TEST_F(PostgresFaults, TerminatedBackendsAreReplacedAndNothingIsLost) {
  Load load(*store, 64, deadline);
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(load.wait_until(some_done));
    load.mark();
    administer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tern'");
    ASSERT_TRUE(load.wait_until([](const LoadReport& report) { return report.failed > 0; }));
    ASSERT_TRUE(load.wait_until(some_done));
    const auto report = load.report();
    EXPECT_TRUE(only_outages(report)) << all_errors(report);
    EXPECT_LT(report.longest, deadline + scheduling);
    load.mark();
  }
  EXPECT_THAT(load.stop_and_check(), IsEmpty());
}

TEST_F(PostgresFaults, RestartedServerIsFoundAgain) {
  Load load(*store, 64, deadline);
  for (const auto how : {test::PostgresServer::Stop::fast, test::PostgresServer::Stop::immediate}) {
    load.mark();
    ASSERT_TRUE(load.wait_until(some_done));
    load.mark();
    server->stop(how);
    ASSERT_TRUE(load.wait_until([](const LoadReport& report) { return report.failed > 500; }));
    EXPECT_NE(obstacle(), "");
    const auto away = load.report();
    EXPECT_TRUE(only_outages(away)) << all_errors(away);
    EXPECT_LT(away.longest, deadline + scheduling);
    load.mark();
    server->start();
    expect_well_soon(load, std::chrono::steady_clock::now() - scheduling / 2);
  }
  EXPECT_THAT(load.stop_and_check(), IsEmpty());
}

TEST_F(PostgresFaults, HungServerIsCutAtTheDeadlineAndNothingIsLost) {
  const std::chrono::seconds hang(from_environment("TERN_TEST_HANG_SECONDS", 5));
  Load load(*store, 64, deadline);
  ASSERT_TRUE(load.wait_until(some_done));
  server->pause();
  const auto paused = std::chrono::steady_clock::now();
  load.mark();
  ASSERT_TRUE(load.wait_until([&](const LoadReport& report) { return report.last_failure > paused + hang; }));
  const auto hung = load.report();
  EXPECT_LT(hung.longest, deadline + scheduling);
  EXPECT_TRUE(only_outages(hung)) << all_errors(hung);
  EXPECT_NE(obstacle(), "");
  load.mark();
  const auto back = std::chrono::steady_clock::now();
  server->resume();
  expect_well_soon(load, back);
  EXPECT_THAT(load.stop_and_check(), IsEmpty());
}

TEST_F(PostgresFaults, IdleStoreNoticesThatTheServerIsGone) {
  EXPECT_EQ(obstacle(), "");
  server->stop(test::PostgresServer::Stop::fast);
  // Nobody asks it anything, so this can only be asked again.
  const auto patience = std::chrono::steady_clock::now() + 20s;
  while (obstacle().empty() && std::chrono::steady_clock::now() < patience) {
    std::this_thread::yield();
  }
  EXPECT_NE(obstacle(), "");
}

TEST_F(PostgresFaults, CloseEndsWhileTheServerHangs) {
  Load load(*store, 16, 60s);
  ASSERT_TRUE(load.wait_until(some_done));
  server->pause();
  const auto begun = std::chrono::steady_clock::now();
  test::run(store->close(Deadline::after(500ms)));
  closed = true;
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 500ms + 2s + scheduling);  // a connection may be in the making
  server->resume();
}

TEST_F(PostgresFaults, AwayAtOpenIsToldByTheDeadline) {
  server->stop(test::PostgresServer::Stop::fast);
  PostgresOptions options;
  options.url = server->url();
  PostgresStorage other(std::move(options));
  const auto begun = std::chrono::steady_clock::now();
  try {
    test::run(other.open(Deadline::after(1s)));
    FAIL() << "opened without a server";
  } catch (const system_error& error) {
    EXPECT_EQ(error.code(), errc::storage_unavailable) << error.what();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s + scheduling);
}

}  // namespace tern::fault
