#include "fault/rocksdb_faults.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/mount.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

namespace tern::fault {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// `/metrics` asks on a shard.
TEST_F(RocksDbFaults, ItsFiguresCanBeReadWhileItCloses) {
  auto store = open();
  std::promise<void> closing;
  std::promise<void> asked;
  disk->before_unlock = [&] {
    closing.set_value();
    asked.get_future().wait();
  };
  std::thread closer([&] { test::run(store->close(never)); });
  closing.get_future().wait();
  auto stats = std::async(std::launch::async, [&] { return store->stats(); });
  const auto answered = stats.wait_for(test::patience);
  asked.set_value();
  closer.join();
  EXPECT_EQ(answered, std::future_status::ready);
  EXPECT_EQ(stats.get().memtable_bytes, 0U);
}

TEST_F(RocksDbFaults, ItsFiguresIncludeTheSchedule) {
  auto store = open();
  const auto before = store->stats();
  constexpr std::size_t payload = 1 << 20;
  StoreChanges changes;
  ScheduledSend send;
  send.order_key = "c";
  send.handle = {slot_of(send.order_key), system_clock().wall_now(), new_send_id()};
  send.payload = std::string(payload, 'x');
  changes.sends.push_back(std::move(send));
  ASSERT_TRUE(test::run(store->write(std::move(changes), never)));
  EXPECT_GE(store->stats().memtable_bytes, before.memtable_bytes + payload);
}

// They look into every slot, on the disk if need be, while sends come due.
TEST_F(RocksDbFaults, WhatIsDueDoesNotWaitForFigures) {
  std::atomic<bool> holds_one = false;
  std::promise<void> held;
  std::promise<void> released;
  disk->before_read = [&, may_go_on = released.get_future().share()] {
    if (holds_one.exchange(false)) {
      held.set_value();
      may_go_on.wait();
    }
  };
  {
    auto store = open();
    ScheduledSend send;
    send.order_key = "conversation";
    send.handle = SendHandle{slot_of(send.order_key), system_clock().wall_now() + 1h, new_send_id()};
    send.payload = "{}";
    StoreChanges changes;
    changes.sends.push_back(std::move(send));
    ASSERT_TRUE(test::run(store->write(std::move(changes), never)));
    test::run(store->close(never));  // into a table
  }
  auto store = open();
  const auto leases = test::run(store->hold_slots("owner", {}, slot_count, never)).leases;
  holds_one = true;
  auto counts = std::async(std::launch::async, [&] { return test::run(store->count_sends(never)); });
  ASSERT_EQ(held.get_future().wait_for(test::patience), std::future_status::ready) << "no table was read";
  DueQuery due;
  due.lease = leases.front();
  due.until = system_clock().wall_now();
  EXPECT_NO_THROW(test::run(store->load_due(due, Deadline::after(5s))));
  released.set_value();
  EXPECT_EQ(counts.get().pending, 1u);
}

TEST_F(RocksDbFaults, ACleanEndLeavesNoLogToRead) {
  {
    auto store = open();
    ASSERT_TRUE(test::run(store->write(pair_of("a", std::string(10'000, 'x')), never)));
    EXPECT_FALSE(newest_log().empty());
    test::run(store->close(never));
  }
  EXPECT_EQ(newest_log(), std::filesystem::path()) << "logs with nothing in them are not counted";
  EXPECT_EQ(text_of(*open(), "a/left").size(), 10'000u);
}

TEST_F(RocksDbFaults, AFullDiskDoesNotKeepItFromClosing) {
  {
    auto store = open();
    ASSERT_TRUE(test::run(store->write(pair_of("a", "1"), never)));
    disk->full = true;
    test::run(store->close(never));
  }
  disk->full = false;
  EXPECT_EQ(text_of(*open(), "a/left"), "1");
}

TEST_F(RocksDbFaults, AFailedSyncIsNeverPassedOver) {
  auto store = open();
  ASSERT_TRUE(test::run(store->write(pair_of("a", "1"), never)));
  disk->sync_fails = true;
  EXPECT_THROW(test::run(store->write(pair_of("a", "2"), never)), system_error);
  EXPECT_THAT(ended, HasSubstr("what the disk holds is not known"));
}

TEST_F(RocksDbFaults, AFailedSyncEndsTheProcess) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        auto store = detail::RocksDbAccess::make(options(), system_clock(), env.get(), detail::rocks::end_process());
        test::run(store.open(never));
        disk->sync_fails = true;
        test::run(store.write(pair_of("a", "1"), never));
      },
      testing::ExitedWithCode(74), "what the disk holds is not known");
}

TEST_F(RocksDbFaults, AFullDiskIsToldAndLeft) {
  auto store = open();
  ASSERT_TRUE(test::run(store->write(pair_of("a", "1"), never)));
  disk->full = true;
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(message_of([&] { test::run(store->write(pair_of("a", "2"), never)); }), HasSubstr("the disk is full"));
  }
  EXPECT_THAT(store->obstacle()(), HasSubstr("the disk is full"));
  EXPECT_EQ(text_of(*store, "a/left"), "1");
  disk->full = false;
  const auto obstacle = store->obstacle();
  const auto begun = std::chrono::steady_clock::now();
  while (!obstacle().empty()) {  // RocksDB looks for room every 5 seconds
    ASSERT_LT(std::chrono::steady_clock::now() - begun, test::patience);
    std::this_thread::yield();
  }
  ASSERT_TRUE(test::run(store->write(pair_of("a", "3"), never)));
  EXPECT_EQ(ended, "");
  store.reset();
  store = open();
  EXPECT_EQ(text_of(*store, "a/left"), "3");
  EXPECT_EQ(text_of(*store, "a/right"), "3");
}

// With nothing in memory RocksDB alone would go on with the log that it could not write, and end the process.
TEST_F(RocksDbFaults, ADiskThatIsFullAgainAndAgainIsLeftEachTime) {
  auto store = open();
  const auto obstacle = store->obstacle();
  for (int i = 0; i < 3; ++i) {
    disk->full = true;
    EXPECT_THAT(message_of([&] { test::run(store->write(pair_of("a", "2"), never)); }), HasSubstr("the disk is full"));
    disk->full = false;
    const auto begun = std::chrono::steady_clock::now();
    while (!obstacle().empty()) {
      ASSERT_LT(std::chrono::steady_clock::now() - begun, test::patience);
      std::this_thread::yield();
    }
  }
  ASSERT_TRUE(test::run(store->write(pair_of("a", "3"), never)));
  EXPECT_EQ(ended, "");
}

// A file system of this test's own, so that all files of RocksDB meet the end of the room, as on a real disk.
TEST_F(RocksDbFaults, ASmallDiskFillsUpAndIsEnlarged) {
  const auto place = folder.path() / "small";
  std::filesystem::create_directory(place);
  if (::mount("tern-test", place.c_str(), "tmpfs", 0, "size=24m") != 0) {
    GTEST_SKIP() << "this user may not mount a tmpfs";
  }
  const std::shared_ptr<void> unmount(nullptr, [&place](void*) { ::umount2(place.c_str(), MNT_DETACH); });
  auto own = options();
  own.path = place / "store";
  const std::string document(100'000, 'x');
  int confirmed = 0;
  {
    RocksDbStorage store(own);
    test::run(store.open(never));
    const auto write_until_full = [&] {
      const auto message = message_of([&] {
        for (;; ++confirmed) {
          ASSERT_LT(confirmed, 10'000);
          ASSERT_TRUE(test::run(store.write(pair_of(std::to_string(confirmed), document), never)));
        }
      });
      EXPECT_THAT(message, HasSubstr("the disk is full"));
    };
    write_until_full();
    EXPECT_GT(confirmed, 10);
    EXPECT_EQ(text_of(store, "0/left"), document);
    ASSERT_EQ(::mount("tern-test", place.c_str(), "tmpfs", MS_REMOUNT, "size=200m"), 0);
    const auto obstacle = store.obstacle();
    const auto begun = std::chrono::steady_clock::now();
    while (!obstacle().empty()) {
      ASSERT_LT(std::chrono::steady_clock::now() - begun, test::patience);
      std::this_thread::yield();
    }
    write_until_full();
  }
  EXPECT_GT(confirmed, 200);
  ASSERT_EQ(::mount("tern-test", place.c_str(), "tmpfs", MS_REMOUNT, "size=800m"), 0);
  RocksDbStorage store(own);
  test::run(store.open(never));
  for (int i = 0; i < confirmed; ++i) {
    ASSERT_EQ(text_of(store, std::to_string(i) + "/left"), document) << i << " of " << confirmed;
    ASSERT_EQ(text_of(store, std::to_string(i) + "/right"), document) << i << " of " << confirmed;
  }
}

TEST_F(RocksDbFaults, ASecondProcessIsToldWhoHasTheFolder) {
  auto store = open();
  EXPECT_THAT(message_of([&] { open(); }), HasSubstr("another process has this folder"));
  EXPECT_THAT(message_of([&] { open(); }), HasSubstr(options().path));
}

TEST_F(RocksDbFaults, AFolderThatCannotBeMadeIsTold) {
  std::ofstream(folder.path() / "store") << "a file";
  EXPECT_THAT(message_of([&] { open(); }), HasSubstr("cannot be made"));
}

TEST_F(RocksDbFaults, DamageIsTold) {
  {
    auto store = open();
    ASSERT_TRUE(test::run(store->write(pair_of("a", "1"), never)));
  }
  for (const auto& entry : std::filesystem::directory_iterator(options().path)) {
    if (entry.path().filename().string().starts_with("MANIFEST")) {
      std::filesystem::resize_file(entry.path(), 10);
    }
  }
  EXPECT_THAT(message_of([&] { open(); }), HasSubstr("damaged"));
}

TEST_F(RocksDbFaults, ANewerLayoutIsRefused) {
  {
    auto store = open();
  }
  put_by_hand("meta", "version", std::string("\0\0\0\0\0\0\0\x63", 8));
  EXPECT_THAT(message_of([&] { open(); }), HasSubstr("layout version 99"));
}

// Two writes that come together, of which one expects something of a document that cannot be read.
TEST_F(RocksDbFaults, ADamagedDocumentFailsOnlyTheWriteThatNeedsIt) {
  {
    auto store = open();
    ASSERT_TRUE(test::run(store->write(pair_of("a", "1"), never)));
  }
  put_by_hand("documents", "a/left", "no record");
  auto store = open();
  asio::io_context io;
  const auto write_of = [&](const std::string& name) {
    StoreChanges changes;
    changes.upserts.emplace_back(name + "/left", "2", name == "a" ? Expect::etag("1") : Expect::absent());
    return asio::co_spawn(io, store->write(std::move(changes), never), asio::use_future);
  };
  auto damaged = write_of("a");
  auto sound = write_of("b");
  io.run();
  EXPECT_THAT(message_of([&] { (void)damaged.get(); }), HasSubstr("damaged"));
  EXPECT_TRUE(sound.get());
  EXPECT_EQ(text_of(*store, "b/left"), "2");
  ASSERT_TRUE(test::run(store->write(pair_of("a", "3"), never)));  // expects nothing, and so repairs it
  EXPECT_EQ(text_of(*store, "a/left"), "3");
}

TEST_F(RocksDbFaults, ETagsOfWhatWasRemovedAreNotGivenAgain) {
  std::string last;
  {
    auto store = open();
    for (int i = 0; i < 5; ++i) {
      last = test::run(store->write(pair_of("a", "1"), never))->etags[1];
    }
    StoreChanges changes;
    changes.removals.emplace_back("a/left");
    changes.removals.emplace_back("a/right");
    ASSERT_TRUE(test::run(store->write(std::move(changes), never)));
  }
  auto store = open();
  const auto written = test::run(store->write(pair_of("a", "1"), never));
  EXPECT_GT(std::stoull(written->etags[0]), std::stoull(last));
}

// What is in a table file and not in the cache is read by the lane, and then by the caller.
TEST_F(RocksDbFaults, WhatMemoryDoesNotHoldIsReadOnAnotherThread) {
  {
    auto store = open();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(test::run(store->write(pair_of(std::to_string(i), std::string(1'000, 'x')), never)));
    }
  }
  auto store = open();  // recovery has written a table file
  const auto before = store->stats().reads_waited;
  EXPECT_EQ(text_of(*store, "7/left").size(), 1'000U);
  EXPECT_EQ(store->stats().reads_waited, before + 1);
  EXPECT_EQ(text_of(*store, "7/left").size(), 1'000U);
  EXPECT_EQ(store->stats().reads_waited, before + 1);
}

}  // namespace
}  // namespace tern::fault
