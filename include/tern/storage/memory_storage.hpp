#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tern {

/// Bounds of a `MemoryStorage`. When `bytes` or `sends` is reached, `write` throws `errc::overloaded` and writes
/// nothing.
struct MemoryStorageLimits {
  std::uint64_t bytes = 1ULL << 30;            ///< keys and documents together (default 1 GiB)
  std::uint64_t sends = 10'000'000;            ///< pending sends
  std::uint64_t idempotency_keys = 1'000'000;  ///< remembered; the oldest are forgotten
  std::uint64_t dead = 100'000;                ///< dead sends kept; the oldest are forgotten
};

/// Documents and the schedule in the memory of this process: fast, bounded, and gone with it. Leases do not expire:
/// a slot has its owner until the owner releases it.
///
/// Thread safety: all functions from any thread. A write is all or nothing, a read is one snapshot.
class MemoryStorage {
 public:
  /// An empty store.
  explicit MemoryStorage(MemoryStorageLimits limits = {}, Clock& clock = system_clock());
  ~MemoryStorage();
  ///@{
  /// Moves the whole store.
  MemoryStorage(MemoryStorage&&) noexcept;
  MemoryStorage& operator=(MemoryStorage&&) noexcept;
  ///@}

  ///@{
  /// As the concept `Storage` says.
  StoreTraits traits() const noexcept;
  awaitable<void> open(Deadline by);
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by);
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by);
  awaitable<StorePage> scan(StoreScan scan, Deadline by);
  awaitable<void> close(Deadline by);
  ///@}

  ///@{
  /// As the concepts `ScheduleStorage` and `MovableSchedule` say.
  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want, Deadline by);
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by);
  awaitable<DuePage> load_due(DueQuery due, Deadline by);
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by);
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by);
  void put_back(const std::vector<DueEntry>& entries) noexcept;
  awaitable<SendPage> list_sends(SendQuery query, Deadline by);
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by);
  awaitable<KeyPage> list_keys(KeyQuery query, Deadline by);
  awaitable<SendCounts> count_sends(Deadline by);
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by);
  ///@}

 private:
  struct State;
  std::unique_ptr<State> state_;
};

static_assert(ScheduleStorage<MemoryStorage>);

}  // namespace tern
