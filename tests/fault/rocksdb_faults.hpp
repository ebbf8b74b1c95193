#pragma once

#include "access.hpp"
#include "fault/faulty_disk.hpp"
#include "support/run.hpp"
#include "support/temporary_folder.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>
#include <tern/storage/any_storage.hpp>

#include <rocksdb/db.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tern::fault {

inline constexpr Deadline never = Deadline::never();

/// A folder on a faulty disk, and stores in it.
class RocksDbFaults : public testing::Test {
 protected:
  RocksDbFaults() { log::configure(log::Level::off, log::Format::text); }
  ~RocksDbFaults() override { log::configure(log::Level::info, log::Format::text); }

  RocksDbOptions options() const {
    RocksDbOptions options;
    options.path = folder.path() / "store";
    return options;
  }
  std::unique_ptr<RocksDbStorage> open() {
    auto store = std::make_unique<RocksDbStorage>(detail::RocksDbAccess::make(
        options(), system_clock(), env.get(), [this](const std::string& why) { ended = why; }));
    test::run(store->open(never));
    return store;
  }
  static StoreChanges pair_of(const std::string& name, const std::string& document) {
    StoreChanges changes;
    changes.upserts.emplace_back(name + "/left", document);
    changes.upserts.emplace_back(name + "/right", document);
    return changes;
  }
  static std::string text_of(RocksDbStorage& store, const std::string& key) {
    const auto items = test::run(store.read({key}, never));
    return items.empty() ? "(absent)" : items.begin()->document;
  }
  static std::string message_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const std::exception& e) {
      return e.what();
    }
    return "(nothing was thrown)";
  }

  std::filesystem::path newest_log() const {
    std::filesystem::path newest;
    for (const auto& entry : std::filesystem::directory_iterator(options().path)) {
      if (entry.path().extension() == ".log" && std::filesystem::file_size(entry.path()) > 0) {
        newest = std::max(newest, entry.path());
      }
    }
    return newest;
  }
  static void flip_byte(const std::filesystem::path& file, std::uint64_t at) {
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(bytes.get() ^ 0x55);
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(byte);
    ASSERT_TRUE(bytes.flush());
  }

  // Past the store, while it is closed.
  void put_by_hand(const std::string& family, const std::string& key, const std::string& bytes) const {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), options().path, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const auto& name : names) {
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), options().path, families, &handles, &db).ok());
    const auto place = static_cast<std::size_t>(std::find(names.begin(), names.end(), family) - names.begin());
    EXPECT_TRUE(db->Put(rocksdb::WriteOptions(), handles.at(place), key, bytes).ok());
    for (auto* handle : handles) {
      db->DestroyColumnFamilyHandle(handle);
    }
    delete db;
  }

  const test::TemporaryFolder folder;
  std::shared_ptr<FaultyDisk> disk = std::make_shared<FaultyDisk>(rocksdb::FileSystem::Default());
  std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
  std::string ended;
};

}  // namespace tern::fault
