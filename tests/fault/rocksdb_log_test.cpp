#include "fault/rocksdb_faults.hpp"
#include "salvage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

namespace tern::fault {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST_F(RocksDbFaults, WhatWasConfirmedOutlivesAPowerFailure) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same each time
  std::map<std::string, int> confirmed;
  int number = 0;
  for (int failure = 0; failure < 30; ++failure) {
    auto store = open();
    for (const auto& [name, last] : confirmed) {
      const auto left = text_of(*store, name + "/left");
      ASSERT_EQ(left, text_of(*store, name + "/right")) << "half a write of " << name;
      ASSERT_GE(std::stoi(left), last) << "a confirmed write of " << name << " is lost";
    }
    const auto writes = random() % 60;
    for (unsigned i = 0; i < writes; ++i) {
      const auto name = std::to_string(random() % 10);
      const auto text = std::to_string(++number);
      ASSERT_TRUE(test::run(store->write(pair_of(name, text + std::string(random() % 2'000, ' ')), never)));
      confirmed[name] = number;
    }
    if (failure % 2 == 0) {
      disk->switch_off();
    } else {
      disk->dies_at_sync = true;  // the last write is in the log, and not confirmed
    }
    const auto large = std::to_string(++number) + std::string(random() % 100'000, ' ');
    EXPECT_THROW(test::run(store->write(pair_of("0", large), never)), system_error);
    EXPECT_NE(ended, "");
    store.reset();
    using Rest = FaultyDisk::Rest;
    disk->lose_power(std::array{Rest::lost, Rest::torn, Rest::zeroed}.at(random() % 3));
  }
  EXPECT_GT(number, 300);
}

// That the test above can fail: without a sync the same loses writes.
TEST_F(RocksDbFaults, APowerFailureTakesWhatWasNotSynced) {
  auto own = options();
  own.sync = false;
  {
    auto store = detail::RocksDbAccess::make(own, system_clock(), env.get(), [](const std::string&) {});
    test::run(store.open(never));
    ASSERT_TRUE(test::run(store.write(pair_of("a", "1"), never)));
    disk->switch_off();
  }
  disk->lose_power();
  auto store = open();
  EXPECT_EQ(text_of(*store, "a/left"), "(absent)");
}

// What RocksDB's default makes of this is silence, and the loss of all that was confirmed after the damage.
TEST_F(RocksDbFaults, ALogThatIsDamagedBeforeItsEndIsRefused) {
  constexpr int writes = 10;
  for (const std::size_t bytes : {10, 10'000}) {  // all in one block of the log, and in several
    std::filesystem::remove_all(options().path);
    {
      auto store = open();
      for (int i = 0; i < writes; ++i) {
        ASSERT_TRUE(test::run(store->write(pair_of(std::to_string(i), std::string(bytes, 'x')), never)));
      }
      disk->switch_off();  // or closing would move it all to a table file
    }
    disk->lose_power();
    const auto log = newest_log();
    flip_byte(log, std::filesystem::file_size(log) / 2);
    for (int i = 0; i < 2; ++i) {  // that it was refused once changes nothing
      EXPECT_THAT(message_of([&] { open(); }), AllOf(HasSubstr("damaged before its end"), HasSubstr("salvage")));
    }
    auto own = options();
    salvage_rocksdb(own.path);
    auto store = open();
    EXPECT_EQ(text_of(*store, "0/left").size(), bytes);
    EXPECT_EQ(text_of(*store, std::to_string(writes - 1) + "/left"), "(absent)");
  }
}

// With `sync` off a power failure may leave anything in the place of what was not synced.
TEST_F(RocksDbFaults, ALogThatIsDamagedIsReadUpToThereWithoutSync) {
  auto own = options();
  own.sync = false;
  const auto open_unsynced = [&] {
    auto store = std::make_unique<RocksDbStorage>(
        detail::RocksDbAccess::make(own, system_clock(), env.get(), [](const std::string&) {}));
    test::run(store->open(never));
    return store;
  };
  {
    auto store = open_unsynced();
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(test::run(store->write(pair_of(std::to_string(i), "x"), never)));
    }
    disk->switch_off();
  }
  const auto log = newest_log();
  flip_byte(log, std::filesystem::file_size(log) / 2);
  disk->switch_on();
  auto store = open_unsynced();
  EXPECT_EQ(text_of(*store, "0/left"), "x");
  EXPECT_EQ(text_of(*store, "9/left"), "(absent)");
}

// With `sync` off: a caller may still hold an eTag of a write that the power failure took.
TEST_F(RocksDbFaults, ETagsThatAPowerFailureTookAreNotGivenAgain) {
  auto own = options();
  own.sync = false;
  std::string lost;
  {
    auto store = detail::RocksDbAccess::make(own, system_clock(), env.get(), [](const std::string&) {});
    test::run(store.open(never));
    lost = test::run(store.write(pair_of("a", "1"), never))->etags[1];
    disk->switch_off();
  }
  disk->lose_power();
  auto store = open();
  const auto written = test::run(store->write(pair_of("a", "2"), never));
  EXPECT_GT(std::stoull(written->etags[0]), std::stoull(lost));
}

}  // namespace
}  // namespace tern::fault
