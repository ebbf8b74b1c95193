#include <tern/storage/any_storage.hpp>
#include <tern/storage/memory_storage.hpp>

#include <gtest/gtest.h>

#include "support/run.hpp"

namespace tern {

namespace {

// Documents only, and as few of them as possible.
class PlainStorage {
 public:
  explicit PlainStorage(std::string key) : key_(std::move(key)) {}
  PlainStorage(const PlainStorage&) = delete;  // AnyStorage makes it in place

  StoreTraits traits() const noexcept { return {"plain", true, false}; }
  awaitable<void> open(Deadline) { co_return; }
  awaitable<StoreItems> read(std::vector<std::string>, Deadline) {
    StoreItems items;
    items.add(StoreItem(key_, "{}", "1"));
    co_return items;
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges, Deadline) {
    co_return StoreConflict{{key_}};
  }
  awaitable<StorePage> scan(StoreScan, Deadline) { co_return StorePage{{}, key_}; }
  awaitable<void> close(Deadline) { co_return; }

 private:
  std::string key_;
};

static_assert(Storage<PlainStorage>);
static_assert(!ScheduleStorage<PlainStorage>);

template <class Action>
error_code error_of(Action action) {
  try {
    action();
  } catch (const system_error& error) {
    return error.code();
  }
  return {};
}

constexpr auto never = Deadline::never();

}  // namespace

TEST(AnyStorage, PassesCallsOn) {
  auto store = AnyStorage::make<PlainStorage>("the key");
  EXPECT_EQ(store.traits().name, "plain");
  EXPECT_TRUE(store.traits().durable);
  test::run(store.open(never));
  const auto items = test::run(store.read({"x"}, never));
  EXPECT_NE(items.find("the key"), nullptr);
  const auto written = test::run(store.write({}, never));
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().keys, std::vector<std::string>{"the key"});
  EXPECT_EQ(test::run(store.scan(StoreScan(""), never)).next, "the key");
  test::run(store.close(never));
}

TEST(AnyStorage, WithoutAScheduleSaysSo) {
  auto store = AnyStorage::make<PlainStorage>("key");
  EXPECT_FALSE(store.schedules());
  EXPECT_EQ(error_of([&] { (void)test::run(store.hold_slots("owner", {}, 1, never)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { test::run(store.release_slots({}, never)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)test::run(store.load_due({}, never)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)test::run(store.load_late({}, never)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)test::run(store.fetch({}, never)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)test::run(store.list_sends({}, never)); }), errc::invalid_argument);
  EXPECT_EQ(error_of([&] { (void)test::run(store.count_sends(never)); }), errc::invalid_argument);
}

TEST(AnyStorage, CopiesShareOneStore) {
  auto store = AnyStorage::make<MemoryStorage>();
  auto copy = store;
  EXPECT_TRUE(copy.schedules());
  StoreChanges changes;
  changes.upserts.emplace_back("key", "1");
  ASSERT_TRUE(test::run(store.write(std::move(changes), never)).has_value());
  EXPECT_EQ(test::run(copy.read({"key"}, never)).size(), 1u);
}

}  // namespace tern
