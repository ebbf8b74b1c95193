#include <tern/async/log.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "support/postgres_server.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <thread>
#include <variant>
#include <vector>

namespace tern::fault {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

using Written = boost::system::result<StoreReceipt, StoreConflict>;

// How writes that meet in one statement fare when one of them is in trouble.
class PostgresBatch : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = test::PostgresServer::obstacle(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    log::configure(log::Level::error, log::Format::text);
    server.emplace();
    PostgresOptions options;
    options.url = server->url();
    options.statement_timeout = timeout;
    store.emplace(std::move(options));
    test::run(store->open(Deadline::after(20s)));
    administrator.emplace(server->url());
  }
  void TearDown() override {
    if (store) {
      test::run(store->close(Deadline::after(5s)));
    }
  }

  void administer(const std::string& sql) {
    pqxx::nontransaction work(*administrator);
    work.exec(sql);
  }

  /// Waits until so many of the store's connections wait for a lock.
  void wait_for_blocked(int count) {
    pqxx::connection watcher(server->url());
    const auto patience = std::chrono::steady_clock::now() + 20s;
    int blocked = -1;
    while (blocked != count && std::chrono::steady_clock::now() < patience) {
      pqxx::nontransaction work(watcher);
      blocked = work.exec(
                        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tern' AND "
                        "wait_event_type = 'Lock'")[0][0]
                    .as<int>();
    }
    ASSERT_EQ(blocked, count);
  }

  struct Outcome {
    std::optional<Written> written;
    error_code error;
    std::string message;
  };

  awaitable<void> write_into(StoreChanges changes, Outcome& outcome) {
    try {
      auto written = co_await store->write(std::move(changes), Deadline::after(20s));
      outcome.written.emplace(std::move(written));
    } catch (const system_error& error) {
      outcome.error = error.code();
      outcome.message = error.what();
    }
  }
  void start(asio::io_context& io, StoreChanges changes, Outcome& outcome) {
    asio::co_spawn(io, write_into(std::move(changes), outcome), [](std::exception_ptr error) {
      if (error) {
        std::rethrow_exception(error);
      }
    });
    io.restart();
    io.poll();
  }

  static StoreChanges upsert(std::string key, Expect expect = Expect::any()) {
    StoreChanges changes;
    changes.upserts.emplace_back(std::move(key), "new", std::move(expect));
    return changes;
  }
  std::string text_of(const std::string& key) {
    const auto items = test::run(store->read({key}, Deadline::after(5s)));
    return items.empty() ? "(absent)" : items.begin()->document;
  }

  static constexpr std::chrono::milliseconds timeout{3000};
  std::optional<test::PostgresServer> server;
  std::optional<PostgresStorage> store;
  std::optional<pqxx::connection> administrator;
};

}  // namespace

TEST_F(PostgresBatch, ConflictsDoNotTouchTheirNeighbours) {
  ASSERT_TRUE(test::run(store->write(upsert("blocker"), Deadline::never())).has_value());
  administer("BEGIN; UPDATE tern.documents SET document = document");
  asio::io_context io{1};
  Outcome first;
  start(io, upsert("blocker"), first);
  wait_for_blocked(1);
  // These wait for the lane, and go together afterwards.
  std::vector<Outcome> outcomes(40);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    auto changes = upsert("a/" + std::to_string(i));
    changes.upserts.emplace_back("b/" + std::to_string(i), "new", i % 2 == 0 ? Expect::any() : Expect::etag("1"));
    start(io, std::move(changes), outcomes[i]);
  }
  const auto before = store->stats().write_batches;
  administer("COMMIT");
  io.restart();
  io.run();
  EXPECT_LE(store->stats().write_batches - before, 3U);  // the blocker, and all of them in two statements at most
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i].written.has_value()) << outcomes[i].message;
    EXPECT_EQ(outcomes[i].written->has_value(), i % 2 == 0);
    EXPECT_EQ(text_of("a/" + std::to_string(i)), i % 2 == 0 ? "new" : "(absent)");
    if (i % 2 == 1) {
      EXPECT_EQ(outcomes[i].written->error().keys, std::vector<std::string>{"b/" + std::to_string(i)});
    }
  }
}

// The same for documents that are there, which another statement writes.
TEST_F(PostgresBatch, PartlyStaleUpdatesAreUndoneAndTheirNeighboursWritten) {
  constexpr std::size_t pairs = 40;
  std::vector<std::vector<std::string>> etags;
  StoreChanges blocker = upsert("blocker");
  ASSERT_TRUE(test::run(store->write(std::move(blocker), Deadline::never())).has_value());
  for (std::size_t i = 0; i < pairs; ++i) {
    auto changes = upsert("a/" + std::to_string(i));
    changes.upserts.emplace_back("b/" + std::to_string(i), "old");
    changes.upserts[0].document = "old";
    etags.push_back(test::run(store->write(std::move(changes), Deadline::never()))->etags);
  }
  administer("BEGIN; UPDATE tern.documents SET document = document WHERE key = 'blocker'");
  asio::io_context io{1};
  Outcome first;
  start(io, upsert("blocker"), first);
  wait_for_blocked(1);
  std::vector<Outcome> outcomes(pairs);
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto stale_a = i % 4 == 3;
    const auto stale_b = i % 4 == 2 || i % 4 == 3;
    auto changes = upsert("a/" + std::to_string(i), Expect::etag(stale_a ? "1" : etags[i][0]));
    changes.upserts.emplace_back("b/" + std::to_string(i), "new", Expect::etag(stale_b ? "1" : etags[i][1]));
    start(io, std::move(changes), outcomes[i]);
  }
  administer("COMMIT");
  io.restart();
  io.run();
  for (std::size_t i = 0; i < pairs; ++i) {
    ASSERT_TRUE(outcomes[i].written.has_value()) << outcomes[i].message;
    const bool good = i % 4 < 2;
    ASSERT_EQ(outcomes[i].written->has_value(), good);
    EXPECT_EQ(text_of("a/" + std::to_string(i)), good ? "new" : "old");
    EXPECT_EQ(text_of("b/" + std::to_string(i)), good ? "new" : "old");
    if (!good) {
      EXPECT_EQ(outcomes[i].written->error().keys.size(), i % 4 == 3 ? 2U : 1U);
    }
  }
}

TEST_F(PostgresBatch, WritesWhoseKeysAreTakenAreRefusedTogetherAndTheirNeighboursWritten) {
  const auto promise = [](const std::string& key, std::uint8_t digest) {
    ScheduledSend send;
    send.handle.id = new_send_id();
    send.handle.due = std::chrono::ceil<std::chrono::microseconds>(std::chrono::system_clock::now()) + 1h;
    send.order_key = "conversation";
    send.handle.slot = slot_of(send.order_key);
    send.payload = "{}";
    send.reference = "{}";
    send.idempotency_key = key;
    send.digest.fill(digest);
    StoreChanges changes;
    changes.sends.push_back(std::move(send));
    return changes;
  };
  constexpr std::size_t pairs = 20;
  for (std::size_t i = 0; i < pairs; ++i) {
    ASSERT_TRUE(test::run(store->write(promise("key/" + std::to_string(i), 1), Deadline::never())).has_value());
  }
  ASSERT_TRUE(test::run(store->write(upsert("blocker"), Deadline::never())).has_value());
  administer("BEGIN; UPDATE tern.documents SET document = document WHERE key = 'blocker'");
  asio::io_context io{1};
  Outcome first;
  start(io, upsert("blocker"), first);
  wait_for_blocked(1);
  std::vector<Outcome> outcomes(2 * pairs);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    auto changes = promise("key/" + std::to_string(i), 2);
    changes.upserts.emplace_back("a/" + std::to_string(i), "new");
    start(io, std::move(changes), outcomes[i]);
  }
  administer("COMMIT");
  io.restart();
  io.run();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i].written.has_value()) << outcomes[i].message;
    const bool is_known = i < pairs;
    ASSERT_EQ(outcomes[i].written->has_value(), !is_known);
    EXPECT_EQ(text_of("a/" + std::to_string(i)), is_known ? "(absent)" : "new");
    if (is_known) {
      ASSERT_EQ(outcomes[i].written->error().sends.size(), 1U);
      EXPECT_EQ(outcomes[i].written->error().sends[0].known.digest[0], 1);
    }
  }
}

TEST_F(PostgresBatch, KeyMadeMeanwhileByAnotherIsAConflictOfItsWriteAlone) {
  administer("BEGIN; INSERT INTO tern.documents (key, document, etag) VALUES ('contended', 'theirs', 77)");
  asio::io_context io{1};
  Outcome mine;
  start(io, upsert("contended", Expect::absent()), mine);
  wait_for_blocked(1);
  Outcome neighbour;
  Outcome overwriting;
  start(io, upsert("neighbour"), neighbour);
  start(io, upsert("contended"), overwriting);
  administer("COMMIT");
  io.restart();
  io.run();
  ASSERT_TRUE(mine.written.has_value()) << mine.message;
  EXPECT_TRUE(mine.written->has_error());
  ASSERT_TRUE(neighbour.written.has_value());
  EXPECT_TRUE(neighbour.written->has_value());
  ASSERT_TRUE(overwriting.written.has_value());
  EXPECT_TRUE(overwriting.written->has_value());
  EXPECT_EQ(text_of("contended"), "new");
  EXPECT_GE(store->stats().retries, 1U);
}

TEST_F(PostgresBatch, RowChangedWhileItWasWaitedForIsJudgedByItsNewestVersion) {
  const auto first = test::run(store->write(upsert("key"), Deadline::never()));
  administer("BEGIN; UPDATE tern.documents SET document = 'theirs', etag = 1000000");
  asio::io_context io{1};
  Outcome stale;
  start(io, upsert("key", Expect::etag(first->etags[0])), stale);
  wait_for_blocked(1);
  administer("COMMIT");
  io.restart();
  io.run();
  ASSERT_TRUE(stale.written.has_value()) << stale.message;
  EXPECT_TRUE(stale.written->has_error());
  EXPECT_EQ(text_of("key"), "theirs");

  administer("BEGIN; UPDATE tern.documents SET document = 'theirs again', etag = 1000001");
  Outcome any;
  start(io, upsert("key"), any);
  wait_for_blocked(1);
  administer("COMMIT");
  io.restart();
  io.run();
  ASSERT_TRUE(any.written.has_value()) << any.message;
  EXPECT_TRUE(any.written->has_value());
  EXPECT_EQ(text_of("key"), "new");
}

TEST_F(PostgresBatch, RowThatIsLockedTooLongTimesOut) {
  ASSERT_TRUE(test::run(store->write(upsert("key"), Deadline::never())).has_value());
  administer("BEGIN; UPDATE tern.documents SET document = 'theirs'");
  asio::io_context io{1};
  Outcome outcome;
  start(io, upsert("key"), outcome);
  io.restart();
  io.run();
  EXPECT_EQ(outcome.error, errc::timed_out);
  EXPECT_THAT(outcome.message, HasSubstr("Nothing was written"));
  administer("ROLLBACK");
  EXPECT_EQ(text_of("key"), "new");
  EXPECT_EQ(store->stats().connections_lost, 0U);
}

TEST_F(PostgresBatch, SerialisationFailuresAreTriedAgain) {
  administer(R"(
    CREATE SEQUENCE tern.tried;
    CREATE FUNCTION tern.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('tern.tried') <= 2 THEN RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER fail BEFORE INSERT ON tern.documents FOR EACH ROW EXECUTE FUNCTION tern.fail())");
  EXPECT_TRUE(test::run(store->write(upsert("key"), Deadline::after(20s))).has_value());
  EXPECT_EQ(text_of("key"), "new");
  EXPECT_EQ(store->stats().retries, 2U);
}

TEST_F(PostgresBatch, WriteThatTheServerCannotStoreFailsAlone) {
  administer(R"(
    CREATE FUNCTION tern.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.key = 'poison' THEN RAISE EXCEPTION 'poison' USING ERRCODE = '22000'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER fail BEFORE INSERT ON tern.documents FOR EACH ROW EXECUTE FUNCTION tern.fail())");
  ASSERT_TRUE(test::run(store->write(upsert("blocker"), Deadline::never())).has_value());
  administer("BEGIN; UPDATE tern.documents SET document = document");
  asio::io_context io{1};
  Outcome first;
  start(io, upsert("blocker"), first);
  wait_for_blocked(1);
  std::vector<Outcome> outcomes(3);
  start(io, upsert("a"), outcomes[0]);
  start(io, upsert("poison"), outcomes[1]);
  start(io, upsert("z"), outcomes[2]);
  administer("COMMIT");
  io.restart();
  io.run();
  EXPECT_TRUE(outcomes[0].written.has_value() && outcomes[0].written->has_value()) << outcomes[0].message;
  EXPECT_EQ(outcomes[1].error, errc::invalid_argument);
  EXPECT_TRUE(outcomes[2].written.has_value() && outcomes[2].written->has_value()) << outcomes[2].message;
}

TEST_F(PostgresBatch, DocumentsThatAreNoTextAreMisuse) {
  for (const auto& document : {std::string("nul \0 in it", 11), std::string("\xff"), std::string("\xed\xa0\x80")}) {
    StoreChanges changes;
    changes.upserts.emplace_back("key", document);
    try {
      (void)test::run(store->write(changes, Deadline::after(5s)));
      ADD_FAILURE() << "stored what is no text";
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), errc::invalid_argument);
    }
  }
  EXPECT_EQ(text_of("key"), "(absent)");
}

// The server says what a row that it refuses holds, which may be what somebody has told the bot.
TEST_F(PostgresBatch, ErrorsRepeatNothingOfARow) {
  administer("ALTER TABLE tern.documents ADD CONSTRAINT no_secrets CHECK (document NOT LIKE '%private%')");
  asio::io_context io{1};
  Outcome outcome;
  StoreChanges changes;
  changes.upserts.emplace_back("somebody", "\"private words\"", Expect::any());
  start(io, std::move(changes), outcome);
  io.restart();
  io.run();
  EXPECT_NE(outcome.message.find("no_secrets"), std::string::npos) << outcome.message;
  EXPECT_EQ(outcome.message.find("private"), std::string::npos) << outcome.message;
}

TEST_F(PostgresBatch, FullQueueIsOverload) {
  ASSERT_TRUE(test::run(store->write(upsert("blocker"), Deadline::never())).has_value());
  PostgresOptions options;
  options.url = server->url();
  options.queue = 4;
  PostgresStorage small(std::move(options));
  test::run(small.open(Deadline::after(20s)));
  administer("BEGIN; UPDATE tern.documents SET document = document");
  asio::io_context io{1};
  std::vector<Outcome> outcomes(10);
  const auto write = [&](Outcome& outcome, std::string key) {
    auto body = [](PostgresStorage& on, StoreChanges changes, Outcome& into) -> awaitable<void> {
      try {
        auto written = co_await on.write(std::move(changes), Deadline::after(20s));
        into.written.emplace(std::move(written));
      } catch (const system_error& error) {
        into.error = error.code();
      }
    };
    asio::co_spawn(io, body(small, upsert(std::move(key)), outcome), [](std::exception_ptr) {});
    io.restart();
    io.poll();
  };
  write(outcomes[0], "blocker");
  wait_for_blocked(1);
  for (std::size_t i = 1; i < outcomes.size(); ++i) {
    write(outcomes[i], std::to_string(i));
  }
  administer("COMMIT");
  io.restart();
  io.run();
  int full = 0;
  for (const auto& outcome : outcomes) {
    full += outcome.error == errc::overloaded ? 1 : 0;
  }
  EXPECT_EQ(full, 5);
  test::run(small.close(Deadline::after(5s)));
}

}  // namespace tern::fault
