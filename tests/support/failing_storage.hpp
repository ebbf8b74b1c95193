#pragma once

#include <tern/error.hpp>
#include <tern/storage/memory_storage.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern::test {

/// What a `FailingStorage` does, shared with the test.
struct StorageFaults {
  long calls_left = -1;                        ///< calls until the one that fails; negative: none fails
  bool writes_fail = false;                    ///< all of them, while reads work: a full disk
  errc error = errc::storage_unavailable;      ///< what a write that fails throws
  std::vector<std::vector<std::string>> read;  ///< the keys of each read
  std::size_t loads = 0;                       ///< pages that were loaded
  std::size_t fetches = 0;                     ///< how often records were asked for
  std::size_t fetched = 0;                     ///< entries whose records were asked for
  /// Runs when a page was read, before it is given.
  std::function<awaitable<void>()> page_read;
  /// Runs when a write is done, before that is told.
  std::function<awaitable<void>()> written;

  void count() {
    if (calls_left >= 0 && calls_left-- == 0) {
      throw_error(errc::storage_unavailable, "the storage is away");
    }
  }
};

/// The memory storage, of which one call fails before it has done anything.
class FailingStorage {
 public:
  FailingStorage(Clock& clock, std::shared_ptr<StorageFaults> faults)
      : storage_(MemoryStorageLimits(), clock), faults_(std::move(faults)) {}

  StoreTraits traits() const noexcept { return storage_.traits(); }
  awaitable<void> open(Deadline by) { return storage_.open(by); }
  awaitable<void> close(Deadline by) { return storage_.close(by); }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) {
    faults_->count();
    faults_->read.push_back(keys);
    return storage_.read(std::move(keys), by);
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    faults_->count();
    if (faults_->writes_fail) {
      throw_error(faults_->error, "the disk is full");
    }
    auto outcome = co_await storage_.write(std::move(changes), by);
    if (faults_->written) {
      co_await faults_->written();
    }
    co_return outcome;
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) {
    faults_->count();
    return storage_.scan(std::move(scan), by);
  }
  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want, Deadline by) {
    faults_->count();
    return storage_.hold_slots(std::move(owner), std::move(held), want, by);
  }
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by) {
    faults_->count();
    return storage_.release_slots(std::move(held), by);
  }
  awaitable<DuePage> load_due(DueQuery due, Deadline by) {
    faults_->count();
    auto page = co_await storage_.load_due(std::move(due), by);
    ++faults_->loads;
    if (faults_->page_read) {
      co_await faults_->page_read();
    }
    co_return page;
  }
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by) {
    faults_->count();
    return storage_.load_late(std::move(held), by);
  }
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by) {
    faults_->count();
    ++faults_->fetches;
    faults_->fetched += entries.size();
    return storage_.fetch(std::move(entries), by);
  }
  void put_back(const std::vector<DueEntry>& entries) noexcept { storage_.put_back(entries); }
  awaitable<SendPage> list_sends(SendQuery query, Deadline by) {
    faults_->count();
    return storage_.list_sends(std::move(query), by);
  }
  awaitable<KeyPage> list_keys(KeyQuery query, Deadline by) { return storage_.list_keys(std::move(query), by); }
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by) {
    faults_->count();
    return storage_.list_dead(std::move(query), by);
  }
  awaitable<SendCounts> count_sends(Deadline by) {
    faults_->count();
    return storage_.count_sends(by);
  }
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by) {
    faults_->count();
    return storage_.estimate_due(from, until, by);
  }

 private:
  MemoryStorage storage_;
  std::shared_ptr<StorageFaults> faults_;
};

static_assert(ScheduleStorage<FailingStorage>);

}  // namespace tern::test
