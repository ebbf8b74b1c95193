#include "storage/split_storage.hpp"

#include <tern/storage/memory_storage.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include "support/run.hpp"

#include <functional>

namespace tern {

namespace {

constexpr auto never = Deadline::never();

/// Documents only. Each write waits for the event loop once and then calls `before_write`, which may throw.
class PlainStorage {
 public:
  struct Script {
    std::function<void()> before_write = [] {};
    std::size_t writes = 0;
    std::size_t closed = 0;
  };
  explicit PlainStorage(Script& script) : script_(script) {}

  StoreTraits traits() const noexcept { return {"plain", true, true}; }
  awaitable<void> open(Deadline) { co_return; }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) { return memory_.read(std::move(keys), by); }
  awaitable<result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline) {
    const auto ex = co_await this_coro::executor;
    co_await this_coro::throw_if_cancelled(false);
    co_await asio::post(ex, asio::deferred);
    const auto before_write = script_.before_write;  // a copy, for it may replace itself
    before_write();
    auto written = co_await memory_.write(std::move(changes), never);
    co_await this_coro::throw_if_cancelled(true);
    ++script_.writes;
    co_return written;
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return memory_.scan(std::move(scan), by); }
  awaitable<void> close(Deadline) {
    ++script_.closed;
    co_return;
  }

 private:
  Script& script_;
  MemoryStorage memory_;
};

static_assert(!ScheduleStorage<PlainStorage>);

ScheduledSend send_for(const std::string& conversation) {
  ScheduledSend send;
  send.order_key = conversation;
  send.handle.slot = slot_of(conversation);
  send.handle.id = new_send_id();
  send.handle.due = WallTime(std::chrono::hours(1'000'000));
  send.payload = "{}";
  send.reference = "{}";
  return send;
}

class SplitStorageTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t room = 3;

  std::uint64_t pending() { return test::run(split.count_sends(never)).pending; }
  bool has(const std::string& key) { return !test::run(split.read({key}, never)).empty(); }
  auto write(StoreChanges changes) { return test::run(split.write(std::move(changes), never)); }

  static StoreChanges document_and_sends(const std::string& key, std::size_t sends, Expect expect = Expect::any()) {
    StoreChanges changes;
    changes.upserts.emplace_back(key, "{}", std::move(expect));
    for (std::size_t i = 0; i < sends; ++i) {
      changes.sends.push_back(send_for("c" + std::to_string(i)));
    }
    return changes;
  }

  template <class Action>
  static error_code error_of(Action action) {
    try {
      action();
    } catch (const system_error& error) {
      return error.code();
    }
    return {};
  }

  PlainStorage::Script script;
  MemoryStorageLimits limits{.sends = room};
  AnyStorage schedule = AnyStorage::make<MemoryStorage>(limits);
  SplitStorage split{AnyStorage::make<PlainStorage>(script), schedule, room};
};

}  // namespace

TEST_F(SplitStorageTest, SaysOfTheDocumentsWhatTheirStoreSays) {
  EXPECT_EQ(split.traits().name, "plain");
  EXPECT_TRUE(split.traits().durable);
  test::run(split.open(never));
}

TEST_F(SplitStorageTest, WritesEachPartToItsStoreAndJoinsTheReceipts) {
  auto changes = document_and_sends("a", 2);
  const auto handle = changes.sends[1].handle;
  const auto receipt = write(std::move(changes));
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->etags.size(), 1U);
  ASSERT_EQ(receipt->handles.size(), 2U);
  EXPECT_EQ(receipt->handles[1], handle);
  EXPECT_EQ(receipt->seqs.size(), 2U);
  EXPECT_TRUE(has("a"));
  EXPECT_EQ(pending(), 2U);
  EXPECT_EQ(test::run(split.scan(StoreScan(""), never)).items.size(), 1U);

  StoreChanges cancel;
  cancel.upserts.emplace_back("b", "{}");
  cancel.edits.emplace_back(SendEdit::Kind::cancel, handle);
  const auto edited = write(std::move(cancel));
  ASSERT_TRUE(edited);
  EXPECT_EQ(edited->edits, std::vector{EditOutcome::done});
  EXPECT_EQ(pending(), 1U);
}

TEST_F(SplitStorageTest, AConflictOfTheDocumentsSchedulesNothing) {
  ASSERT_TRUE(write(document_and_sends("a", 0)));
  const auto refused = write(document_and_sends("a", 1, Expect::absent()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().keys, std::vector<std::string>{"a"});
  EXPECT_EQ(pending(), 0U);
}

TEST_F(SplitStorageTest, AKnownKeyThatIsToBeNewLeavesTheDocumentsAsTheyWere) {
  auto first = document_and_sends("a", 1);
  first.sends[0].idempotency_key = "key";
  const auto handle = write(std::move(first))->handles.at(0);
  auto second = document_and_sends("b", 2);
  second.sends[1].idempotency_key = "key";
  second.sends[1].key_is_new = true;
  const auto refused = write(std::move(second));
  ASSERT_FALSE(refused);
  const auto conflict = refused.error();
  ASSERT_EQ(conflict.sends.size(), 1U);
  EXPECT_EQ(conflict.sends[0].place, 1U);
  EXPECT_EQ(conflict.sends[0].known.handle, handle);
  EXPECT_FALSE(has("b"));
  EXPECT_EQ(pending(), 1U);
}

TEST_F(SplitStorageTest, AKeyThatIsTakenWhileTheDocumentsAreWrittenCountsAsKnown) {
  std::optional<SendHandle> other;
  script.before_write = [&] {
    script.before_write = [] {};
    StoreChanges changes;
    changes.sends.push_back(send_for("c"));
    changes.sends[0].idempotency_key = "key";
    other = test::run(schedule.write(std::move(changes), never))->handles.at(0);
  };
  auto changes = document_and_sends("a", 2);
  changes.sends[0].idempotency_key = "key";
  changes.sends[0].key_is_new = true;
  const auto written = write(std::move(changes));
  ASSERT_TRUE(written);
  EXPECT_TRUE(has("a"));
  EXPECT_EQ(written->handles.at(0), other);
  EXPECT_EQ(pending(), 2U);
}

TEST_F(SplitStorageTest, AnOutageOfTheDocumentsSchedulesNothing) {
  script.before_write = [] { throw_error(errc::storage_unavailable, "away"); };
  EXPECT_EQ(error_of([&] { write(document_and_sends("a", 1)); }), errc::storage_unavailable);
  EXPECT_EQ(pending(), 0U);
  script.before_write = [] {};
  EXPECT_TRUE(write(document_and_sends("a", room))) << "the room that was set aside is free again";
}

TEST_F(SplitStorageTest, SendsThatDoNotFitLeaveTheDocumentsAlone) {
  ASSERT_TRUE(write(document_and_sends("a", 2)));
  EXPECT_EQ(error_of([&] { write(document_and_sends("b", 2)); }), errc::overloaded);
  EXPECT_FALSE(has("b"));
  EXPECT_TRUE(write(document_and_sends("b", 1)));
  EXPECT_EQ(error_of([&] { write(document_and_sends("c", 1)); }), errc::overloaded);
  EXPECT_TRUE(write(document_and_sends("c", 0)));
}

TEST_F(SplitStorageTest, RoomIsSetAsideWhileTheDocumentsAreWritten) {
  // In the middle of the write of one document and two sends, others ask for room.
  error_code with_document;
  error_code without;
  script.before_write = [&] {
    script.before_write = [] {};
    with_document = error_of([&] { write(document_and_sends("b", 2)); });
    without = error_of([&] {
      StoreChanges changes;
      changes.sends = {send_for("x"), send_for("y")};
      write(std::move(changes));
    });
  };
  EXPECT_TRUE(write(document_and_sends("a", 2)));
  EXPECT_EQ(with_document, errc::overloaded);
  EXPECT_EQ(without, errc::overloaded);
  EXPECT_EQ(pending(), 2U);
}

TEST_F(SplitStorageTest, MisuseIsRefusedBeforeEitherHasWritten) {
  auto changes = document_and_sends("a", 1);
  changes.sends[0].handle.slot = static_cast<std::uint16_t>((changes.sends[0].handle.slot + 1) % slot_count);
  EXPECT_EQ(error_of([&] { write(std::move(changes)); }), errc::invalid_argument);
  EXPECT_FALSE(has("a"));
}

TEST_F(SplitStorageTest, ACancellationWhileTheDocumentsAreWrittenDoesNotLoseTheSends) {
  asio::io_context io{1};
  asio::cancellation_signal cancel;
  script.before_write = [&cancel] { cancel.emit(asio::cancellation_type::terminal); };
  std::exception_ptr error;
  auto work = [](SplitStorage& store, StoreChanges changes) -> awaitable<void> {
    co_await store.write(std::move(changes), never);
  };
  asio::co_spawn(io, work(split, document_and_sends("a", 1)),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) { error = e; }));
  io.run();
  EXPECT_EQ(script.writes, 1U);
  EXPECT_TRUE(has("a"));
  EXPECT_EQ(pending(), 1U);
}

TEST_F(SplitStorageTest, ADeadlineThatPassesWhileTheDocumentsAreWrittenDoesNotLoseTheSends) {
  const auto soon = Deadline::after(std::chrono::milliseconds(50));
  script.before_write = [&] {
    while (!soon.expired()) {
    }
  };
  EXPECT_TRUE(test::run(split.write(document_and_sends("a", 1), soon)));
  EXPECT_EQ(pending(), 1U);
}

TEST_F(SplitStorageTest, ClosesTheDocumentsToo) {
  test::run(split.close(never));
  EXPECT_EQ(script.closed, 1U);
}

TEST(SplitStorage, RefusesAScheduleStoreThatKeepsNone) {
  PlainStorage::Script script;
  EXPECT_THROW(SplitStorage(AnyStorage::make<MemoryStorage>(), AnyStorage::make<PlainStorage>(script), 1),
               system_error);
}

}  // namespace tern
