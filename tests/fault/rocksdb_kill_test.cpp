#include <tern/storage/rocksdb_storage.hpp>

#include "fault/kill_loop.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

namespace tern::fault {

namespace {

AnyStorage store_in(const std::string& folder) {
  RocksDbOptions options;
  options.path = folder;
  return AnyStorage::make<RocksDbStorage>(std::move(options));
}

}  // namespace

// No test: the process that is killed.
TEST(RocksDbKill, DISABLED_Writer) {
  if (writer_place().empty()) {
    GTEST_SKIP() << "this is a part of WhatWasConfirmedOutlivesTheProcess";
  }
  write_until_killed(store_in(writer_place()));
}

TEST(RocksDbKill, WhatWasConfirmedOutlivesTheProcess) {
  const test::TemporaryFolder folder;
  expect_confirmed_writes_outlive_kills("RocksDbKill.DISABLED_Writer", folder.path(),
                                        [&folder] { return store_in(folder.path()); });
}

}  // namespace tern::fault
