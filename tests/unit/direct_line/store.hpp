#pragma once

#include "direct_line/history.hpp"
#include "support/run.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/storage/memory_storage.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::direct_line::test {

/// What happens in a `SharedStorage`, shared with the test.
struct SharedStorageHooks {
  /// Runs once, when a read is done, before it is told.
  std::function<awaitable<void>()> has_read;
};

/// A memory store that says that other processes write to it too.
class SharedStorage {
 public:
  SharedStorage(Clock& clock, std::shared_ptr<SharedStorageHooks> hooks)
      : storage_({}, clock), hooks_(std::move(hooks)) {}
  StoreTraits traits() const noexcept {
    auto traits = storage_.traits();
    traits.shared = true;
    return traits;
  }
  awaitable<void> open(Deadline by) { return storage_.open(by); }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) {
    auto items = co_await storage_.read(std::move(keys), by);
    if (const auto hook = std::exchange(hooks_->has_read, {})) {
      co_await hook();
    }
    co_return items;
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    return storage_.write(std::move(changes), by);
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return storage_.scan(std::move(scan), by); }
  awaitable<void> close(Deadline by) { return storage_.close(by); }

 private:
  MemoryStorage storage_;
  std::shared_ptr<SharedStorageHooks> hooks_;
};

/// What several processes share: the documents, and what they tell each other.
struct ReplicaHub {
  explicit ReplicaHub(Clock& clock) : storage({}, clock) {}

  MemoryStorage storage;
  std::vector<std::pair<HintListener, NoteListener>> replicas;  // what each listens with
  bool passes_on = true;                                        // otherwise hints and notes are lost
};

/// The store as one of several processes has it.
class ReplicaStorage {
 public:
  explicit ReplicaStorage(std::shared_ptr<ReplicaHub> hub) : hub_(std::move(hub)), number_(hub_->replicas.size()) {
    hub_->replicas.emplace_back();
  }
  StoreTraits traits() const noexcept { return {"memory", false, true}; }
  awaitable<void> open(Deadline) { co_return; }
  awaitable<void> close(Deadline) { co_return; }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) {
    ++reads;
    return hub_->storage.read(std::move(keys), by);
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    const auto hints = changes.hints;
    auto written = co_await hub_->storage.write(std::move(changes), by);
    for (std::size_t i = 0; written && hub_->passes_on && i < hub_->replicas.size(); ++i) {
      for (const auto& hint : hints) {
        if (i != number_ && hub_->replicas[i].first) {
          hub_->replicas[i].first(hint);
        }
      }
    }
    co_return written;
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return hub_->storage.scan(std::move(scan), by); }
  void hear_hints(HintListener listener) { hub_->replicas[number_].first = std::move(listener); }
  void hear_notes(NoteListener listener) { hub_->replicas[number_].second = std::move(listener); }
  bool hears_hints() const noexcept { return hub_->passes_on; }
  void tell(std::string topic, std::string text) {
    ++told;
    for (std::size_t i = 0; hub_->passes_on && i < hub_->replicas.size(); ++i) {
      if (i != number_ && hub_->replicas[i].second) {
        hub_->replicas[i].second(topic, text);
      }
    }
  }

  std::size_t reads = 0;
  std::size_t told = 0;

 private:
  std::shared_ptr<ReplicaHub> hub_;
  std::size_t number_;
};

static_assert(NotingStorage<ReplicaStorage>);

inline AnyStorage memory_store(Clock& clock) {
  return AnyStorage::make<MemoryStorage>(MemoryStorageLimits{}, clock);
}

inline NewActivity message(std::string_view text, std::string key = {}) {
  return {json::object{{"type", "message"}, {"text", text}}, std::move(key), false};
}

inline std::vector<NewActivity> messages(std::initializer_list<const char*> texts) {
  std::vector<NewActivity> made;
  for (const char* text : texts) {
    made.push_back(message(text));
  }
  return made;
}

inline std::string text_of(const StoredActivity& activity) {
  return std::string(json::parse(*activity.text).at("text").as_string());
}

inline std::vector<std::string> texts_of(const std::vector<StoredActivity>& activities) {
  std::vector<std::string> texts;
  for (const auto& activity : activities) {
    texts.push_back(text_of(activity));
  }
  return texts;
}

/// An id as Direct Line gives them.
inline const std::string some_id = "AAAAAAAAAAAAAAAAAAAAAA";
inline const std::string other_id = "BBBBBBBBBBBBBBBBBBBBBB";

}  // namespace tern::direct_line::test
