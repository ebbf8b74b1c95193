#include <tern/async/log.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "fault/load.hpp"
#include "fault/stall_count.hpp"
#include "support/postgres_server.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace tern::fault {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

constexpr auto deadline = 2s;
constexpr auto well_within = 2s;
constexpr auto scheduling = 1s;  // what a loaded machine may add

std::chrono::seconds how_long_away() {
  const char* given = std::getenv("TERN_TEST_HANG_SECONDS");
  return std::chrono::seconds(given != nullptr ? std::strtol(given, nullptr, 10) : 5);
}

// Until operations have failed for so long.
bool wait_while_away(Load& load, SteadyTime since) {
  const auto away = how_long_away();
  return load.wait_until([&](const LoadReport& report) { return report.last_failure > since + away; }, away + 60s);
}

// What a turn may be told while the server is away or silent.
bool only_outages(const LoadReport& report) {
  return std::all_of(report.codes.begin(), report.codes.end(), [](const auto& counted) {
    return counted.first == errc::storage_unavailable || counted.first == errc::timed_out;
  });
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

  // The server's processes for the store.
  std::set<int> connections() {
    pqxx::connection connection(server->url() + "?application_name=administrator");
    pqxx::nontransaction work(connection);
    std::set<int> found;
    for (const auto& row : work.exec("SELECT pid FROM pg_stat_activity WHERE application_name = 'tern'")) {
      found.insert(row[0].as<int>());
    }
    return found;
  }

  // Until each of these has another one in its place: one that was idle is found lost only when it is looked at.
  bool await_others_than(const std::set<int>& before) {
    const auto until = std::chrono::steady_clock::now() + test::patience;
    while (std::chrono::steady_clock::now() < until) {
      const auto now = connections();
      const auto same = [&before](int process) { return before.contains(process); };
      if (now.size() == before.size() && std::none_of(now.begin(), now.end(), same)) {
        return true;
      }
    }
    return false;
  }

  // Sanitizers make every handler slow.
  static void expect_no_stalls(const Load& load) {
    const auto& count = load.stall_count();
    std::printf("stalls of the shard: %llu, and %llu while the machine was busy\n",
                static_cast<unsigned long long>(count.stalls()), static_cast<unsigned long long>(count.excused()));
    if (!sanitized) {
      EXPECT_EQ(count.stalls(), 0U) << "a handler held its shard longer than 20 ms";
    }
  }

  // The server was there at `back`: within two seconds every connection is there again, and then nobody fails any more.
  void expect_well_soon(Load& load, SteadyTime back) {
    ASSERT_TRUE(load.wait_until([this](const LoadReport&) { return obstacle().empty(); })) << obstacle();
    const auto took = std::chrono::steady_clock::now() - back;
    EXPECT_LT(took, well_within + scheduling);
    std::printf("all is well after %lld ms\n",
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
    load.mark();
    ASSERT_TRUE(load.wait_until(some_done));
    const auto report = load.report();
    EXPECT_EQ(report.failed, 0U) << all_errors(report);
  }

  static bool some_done(const LoadReport& report) { return report.done >= 500; }

  std::optional<test::PostgresServer> server;
  std::optional<AnyStorage> store;
  std::function<std::string()> obstacle;
  bool closed = false;
};

}  // namespace

TEST_F(PostgresFaults, TerminatedBackendsAreReplacedAndNothingIsLost) {
  Load load(*store, 64, deadline);
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(load.wait_until(some_done));
    load.mark();
    const auto before = connections();
    administer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tern'");
    const auto terminated = std::chrono::steady_clock::now();
    ASSERT_TRUE(load.wait_until([](const LoadReport& report) { return report.failed > 0; }));
    ASSERT_TRUE(await_others_than(before));
    const auto report = load.report();
    EXPECT_TRUE(only_outages(report)) << all_errors(report);
    EXPECT_LT(report.longest, deadline + scheduling);
    expect_well_soon(load, terminated);
  }
  EXPECT_THAT(load.stop_and_check(), IsEmpty());
  expect_no_stalls(load);
}

TEST_F(PostgresFaults, RestartedServerIsFoundAgain) {
  Load load(*store, 64, deadline);
  for (const auto how : {test::PostgresServer::Stop::fast, test::PostgresServer::Stop::immediate}) {
    load.mark();
    ASSERT_TRUE(load.wait_until(some_done));
    load.mark();
    server->stop(how);
    // So that the longest pause between attempts to connect is reached.
    ASSERT_TRUE(wait_while_away(load, std::chrono::steady_clock::now()));
    EXPECT_NE(obstacle(), "");
    const auto away = load.report();
    EXPECT_GT(away.failed, 500U);
    EXPECT_TRUE(only_outages(away)) << all_errors(away);
    EXPECT_LT(away.longest, deadline + scheduling);
    server->start();
    expect_well_soon(load, std::chrono::steady_clock::now());
  }
  EXPECT_THAT(load.stop_and_check(), IsEmpty());
  expect_no_stalls(load);
}

TEST_F(PostgresFaults, HungServerIsCutAtTheDeadlineAndNothingIsLost) {
  Load load(*store, 64, deadline);
  ASSERT_TRUE(load.wait_until(some_done));
  server->pause();
  load.mark();
  ASSERT_TRUE(wait_while_away(load, std::chrono::steady_clock::now()));
  const auto hung = load.report();
  EXPECT_LT(hung.longest, deadline + scheduling);
  EXPECT_TRUE(only_outages(hung)) << all_errors(hung);
  EXPECT_NE(obstacle(), "");
  const auto back = std::chrono::steady_clock::now();
  server->resume();
  expect_well_soon(load, back);
  EXPECT_THAT(load.stop_and_check(), IsEmpty());
  expect_no_stalls(load);
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
