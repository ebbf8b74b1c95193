// What one process hears of the writes of another, on a real server.
#include "conformance/postgres_hints.hpp"

#include "session.hpp"
#include "watchdog.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>

namespace tern::conformance {

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

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
  EXPECT_TRUE(behind.is_behind_pooler(std::chrono::steady_clock::now() + patience_for_hints));
  const detail::pg::ConnectionString straight(schemas().server());
  detail::pg::Session direct(straight, PostgresOptions(), watchdog);
  EXPECT_FALSE(direct.is_behind_pooler(std::chrono::steady_clock::now() + patience_for_hints));
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
