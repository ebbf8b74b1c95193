#pragma once

#include <tern/storage/any_storage.hpp>
#include <tern/storage/memory_storage.hpp>

#include "support/run.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace tern::tools {

/// Documents in memory, behind what a test puts in the way.
struct FakeStore {
  std::function<void()> before_write = [] {};
  std::function<void(StorePage&)> after_scan = [](StorePage&) {};
  std::function<void(StoreItems&)> after_read = [](StoreItems&) {};
  std::size_t writes = 0;
  MemoryStorage documents;

  static constexpr auto never = Deadline::never();

  void put(const std::string& key, const std::string& document) {
    StoreChanges changes;
    changes.upserts.emplace_back(key, document);
    test::run(documents.write(std::move(changes), never));
  }
  void fill(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      put("local/emulator/users/u" + std::to_string(i), "{\"messages\":" + std::to_string(i) + "}");
    }
  }
  std::map<std::string, std::string> all() {
    std::map<std::string, std::string> found;
    std::string after;
    do {
      auto page = test::run(documents.scan(StoreScan("", 1000, after), never));
      for (const auto& item : page.items) {
        found.emplace(item.key, item.document);
      }
      after = page.next;
    } while (!after.empty());
    return found;
  }
  AnyStorage store();
};

class FakeStorage {
 public:
  explicit FakeStorage(FakeStore& fake) : fake_(fake) {}

  StoreTraits traits() const noexcept { return {"fake", true, false}; }
  awaitable<void> open(Deadline) { co_return; }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) {
    auto items = co_await fake_.documents.read(std::move(keys), by);
    fake_.after_read(items);
    co_return items;
  }
  awaitable<result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    fake_.before_write();
    auto written = co_await fake_.documents.write(std::move(changes), by);
    ++fake_.writes;
    co_return written;
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) {
    auto page = co_await fake_.documents.scan(std::move(scan), by);
    fake_.after_scan(page);
    co_return page;
  }
  awaitable<void> close(Deadline) { co_return; }

 private:
  FakeStore& fake_;
};

inline AnyStorage FakeStore::store() {
  return AnyStorage::make<FakeStorage>(*this);
}

/// What `action` throws says.
template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace tern::tools
