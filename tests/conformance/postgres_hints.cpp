// What one process hears of the writes of another, on a real server.
#include <tern/storage/any_storage.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "conformance/postgres_schemas.hpp"
#include "session.hpp"
#include "support/run.hpp"
#include "watchdog.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tern::conformance {

namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

constexpr auto patience = 30s;
constexpr Deadline no_deadline = Deadline::never();

/// What a listener was told. A topic that is empty is kept as "missed".
class Heard {
 public:
  void add(std::string_view topic) {
    const std::lock_guard lock(mutex_);
    topics_.emplace_back(topic.empty() ? "missed" : topic);
    changed_.notify_all();
  }
  HintListener listener() {
    return [this](std::string_view topic) { add(topic); };
  }
  std::vector<std::string> topics() const {
    const std::lock_guard lock(mutex_);
    return topics_;
  }
  bool wait_for(const std::string& topic, std::size_t times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] {
      return std::count(topics_.begin(), topics_.end(), topic) >= static_cast<std::ptrdiff_t>(times);
    });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> topics_;
};

class PostgresHints : public ::testing::Test {
 protected:
  void SetUp() override {
    if (given_server() == nullptr && !test::PostgresServer::obstacle().empty()) {
      GTEST_SKIP() << test::PostgresServer::obstacle();
    }
    schema = schemas().make();
  }
  void TearDown() override {
    for (auto& store : opened) {
      test::run(store.close(no_deadline));
    }
  }
  /// A process of its own, as far as the server can see.
  AnyStorage open(PostgresOptions options = {}) {
    if (options.url.empty()) {
      options.url = schemas().server();
    }
    options.schema = schema;
    auto store = AnyStorage::make<PostgresStorage>(std::move(options));
    test::run(store.open(no_deadline));
    opened.push_back(store);
    return store;
  }
  static void write(AnyStorage& store, const std::string& key, std::vector<std::string> hints,
                    Expect expect = Expect::any()) {
    StoreChanges changes;
    if (!key.empty()) {
      changes.upserts.emplace_back(key, "{}", std::move(expect));
    }
    changes.hints = std::move(hints);
    (void)test::run(store.write(std::move(changes), no_deadline));
  }
  /// A store whose connections can be told from all others on the server.
  AnyStorage open_named(const std::string& name) {
    PostgresOptions options;
    options.url = schemas().server();
    const bool is_url = options.url.starts_with("postgres");
    options.url += (!is_url ? " " : options.url.find('?') == std::string::npos ? "?" : "&");
    options.url += "application_name=" + name;
    return open(options);
  }
  /// Ends all connections of that store. How many there were.
  static std::size_t cut_connections(const std::string& name) {
    pqxx::connection connection(schemas().server());
    pqxx::nontransaction work(connection);
    return work.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" + name + "'")
        .size();
  }

  std::string schema;
  std::vector<AnyStorage> opened;
};

TEST_F(PostgresHints, ReachTheOtherProcessWithTheWrite) {
  auto here = open();
  auto there = open();
  Heard heard;
  EXPECT_FALSE(there.hears_hints()) << "nobody has asked";
  const auto subscription = there.listen("chat/", heard.listener());
  ASSERT_TRUE(heard.wait_for("missed")) << "it may have missed what was written before";
  EXPECT_TRUE(there.hears_hints());
  write(here, "a", {"chat/1", "other/1"});
  ASSERT_TRUE(heard.wait_for("chat/1"));
  EXPECT_EQ(test::run(there.read({"a"}, no_deadline)).size(), 1U) << "what it is about is there";
  write(here, "b", {"chat/2"});
  ASSERT_TRUE(heard.wait_for("chat/2"));
  EXPECT_THAT(heard.topics(), ElementsAre("missed", "chat/1", "chat/2"));
}

TEST_F(PostgresHints, OfOnesOwnWritesComeOnce) {
  auto here = open();
  Heard heard;
  const auto subscription = here.listen("", heard.listener());
  ASSERT_TRUE(heard.wait_for("missed"));
  auto there = open();
  write(here, "a", {"own"});
  write(there, "b", {"last"});
  ASSERT_TRUE(heard.wait_for("last"));
  EXPECT_THAT(heard.topics(), ElementsAre("missed", "own", "last"));
}

TEST_F(PostgresHints, MayComeAlone) {
  auto here = open();
  auto there = open();
  Heard heard;
  const auto subscription = there.listen("", heard.listener());
  ASSERT_TRUE(heard.wait_for("missed"));
  write(here, "", {"no document"});
  EXPECT_TRUE(heard.wait_for("no document"));
}

TEST_F(PostgresHints, OfARefusedWriteDoNotCome) {
  auto here = open();
  auto there = open();
  Heard heard;
  Heard own;
  const auto subscription = there.listen("", heard.listener());
  const auto of_own = here.listen("", own.listener());
  ASSERT_TRUE(heard.wait_for("missed"));
  write(here, "a", {"first"}, Expect::absent());
  write(here, "a", {"refused"}, Expect::absent());
  write(here, "b", {"last"});
  ASSERT_TRUE(heard.wait_for("last"));
  EXPECT_THAT(heard.topics(), Not(Contains("refused")));
  EXPECT_THAT(own.topics(), Not(Contains("refused")));
}

TEST_F(PostgresHints, OfManyWritesInOneBatchAllCome) {
  auto here = open();
  auto there = open();
  Heard heard;
  const auto subscription = there.listen("", heard.listener());
  ASSERT_TRUE(heard.wait_for("missed"));
  constexpr int writes = 300;
  asio::io_context io;
  int left = writes;
  for (int i = 0; i < writes; ++i) {
    StoreChanges changes;
    changes.upserts.emplace_back("key-" + std::to_string(i), "{}");
    changes.hints.push_back("topic-" + std::to_string(i));
    asio::co_spawn(io, here.write(std::move(changes), no_deadline), [&left](const std::exception_ptr& error, auto&&) {
      EXPECT_FALSE(error);
      --left;
    });
  }
  io.run();
  EXPECT_EQ(left, 0);
  for (int i = 0; i < writes; ++i) {
    ASSERT_TRUE(heard.wait_for("topic-" + std::to_string(i))) << i;
  }
}

TEST_F(PostgresHints, OfAnotherSchemaAreNotHeard) {
  auto there = open();
  Heard heard;
  const auto subscription = there.listen("", heard.listener());
  ASSERT_TRUE(heard.wait_for("missed"));
  const auto own = std::exchange(schema, schemas().make());
  auto elsewhere = open();
  write(elsewhere, "a", {"elsewhere"});
  schema = own;
  auto here = open();
  write(here, "a", {"here"});
  ASSERT_TRUE(heard.wait_for("here"));
  EXPECT_THAT(heard.topics(), Not(Contains("elsewhere")));
}

TEST_F(PostgresHints, ACutConnectionIsMadeAnewAndTheListenerIsToldThatItMayHaveMissedSome) {
  auto here = open();
  const auto name = schema + "_there";
  auto there = open_named(name);
  Heard heard;
  const auto subscription = there.listen("", heard.listener());
  ASSERT_TRUE(heard.wait_for("missed"));
  for (std::size_t times = 1; times <= 3; ++times) {
    ASSERT_GE(cut_connections(name), 1U);
    ASSERT_TRUE(heard.wait_for("missed", times + 1));
    write(here, "a", {"after " + std::to_string(times)});
    ASSERT_TRUE(heard.wait_for("after " + std::to_string(times)));
  }
  EXPECT_TRUE(there.hears_hints());
}

TEST_F(PostgresHints, AreNotPromisedBehindAPooler) {
  auto here = open();
  PostgresOptions pooled;
  const char* pooler = given_server() != nullptr ? std::getenv("TERN_TEST_PGBOUNCER") : nullptr;
  pooled.pgbouncer = true;
  pooled.url = pooler != nullptr ? pooler : "";
  auto there = open(pooled);
  Heard heard;
  const auto subscription = there.listen("", heard.listener());
  EXPECT_FALSE(there.hears_hints());
  write(there, "a", {"own"});
  EXPECT_TRUE(heard.wait_for("own")) << "the process's own are heard without the server";
  Heard others;
  const auto of_others = here.listen("", others.listener());
  ASSERT_TRUE(others.wait_for("missed"));
  write(there, "b", {"through the pooler"});
  EXPECT_TRUE(others.wait_for("through the pooler")) << "who can listen hears of those behind it";
  EXPECT_FALSE(there.hears_hints());
}

// Though nobody has said so.
TEST_F(PostgresHints, APoolerIsNoticed) {
  const char* pooler = given_server() != nullptr ? std::getenv("TERN_TEST_PGBOUNCER") : nullptr;
  if (pooler == nullptr) {
    GTEST_SKIP() << "there is no PgBouncer here";
  }
  PostgresOptions told;
  told.pgbouncer = true;
  told.url = pooler;
  detail::pg::Watchdog watchdog;
  const detail::pg::ConnectionString through(pooler);
  detail::pg::Session behind(through, told, watchdog);
  EXPECT_TRUE(behind.is_behind_pooler(std::chrono::steady_clock::now() + patience));
  const detail::pg::ConnectionString straight(schemas().server());
  detail::pg::Session direct(straight, PostgresOptions(), watchdog);
  EXPECT_FALSE(direct.is_behind_pooler(std::chrono::steady_clock::now() + patience));
}

TEST_F(PostgresHints, EndWithTheStoreWhileAListenerIsLeft) {
  Heard heard;
  HintSubscription subscription;
  {
    auto there = open();
    subscription = there.listen("", heard.listener());
    ASSERT_TRUE(heard.wait_for("missed"));
    test::run(there.close(no_deadline));
    EXPECT_FALSE(there.hears_hints());
    opened.clear();
  }
}

}  // namespace

}  // namespace tern::conformance
