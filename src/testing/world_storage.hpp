#pragma once

#include "storage/hint_board.hpp"
#include "testing/store_faults.hpp"

#include <tern/storage/any_storage.hpp>
#include <tern/storage/memory_storage.hpp>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern::test {

/// The data that all replicas of a world share: documents and schedule in memory, which outlive each of them, and the
/// leases of the schedule's slots, which end as those of a database do.
///
/// Thread safety: none; of the world's thread.
class WorldStore {
 public:
  /// `shared`: several replicas may use it at once.
  WorldStore(Clock& clock, bool shared) : faults(clock), shared_(shared), clock_(clock), inner_({}, clock) {}

  StoreFaults faults;

  StoreTraits traits() const noexcept { return {"memory", false, shared_}; }
  MemoryStorage& inner() noexcept { return inner_; }
  /// Of all replicas.
  tern::detail::HintBoard& hints() noexcept { return *hints_; }
  ///@{
  /// The notes of the replicas, and the replica that tells one now.
  tern::detail::HintBoard& notes() noexcept { return *notes_; }
  const void* teller = nullptr;
  ///@}
  awaitable<HeldSlots> hold(std::string owner, std::uint16_t want);
  awaitable<void> release(std::vector<SlotLease> leases);
  bool has_free_slots() const noexcept;
  /// The only process has ended without giving anything back: the next process takes all slots at once.
  awaitable<void> release_all();

 private:
  struct Slot {
    std::string owner;
    std::uint64_t epoch = 0;
    SteadyTime until{};
  };

  bool shared_;
  Clock& clock_;
  MemoryStorage inner_;
  std::shared_ptr<tern::detail::HintBoard> hints_ = std::make_shared<tern::detail::HintBoard>();
  std::shared_ptr<tern::detail::HintBoard> notes_ = std::make_shared<tern::detail::HintBoard>();
  std::array<Slot, slot_count> slots_;
  std::map<std::string, SteadyTime> seen_;  // each owner, and when it was heard of last
};

/// The access of one replica to the store: its operations are counted, and fail as ordered.
class WorldStorage {
 public:
  explicit WorldStorage(std::shared_ptr<WorldStore> store) : store_(std::move(store)) {}

  StoreTraits traits() const noexcept { return store_->traits(); }
  awaitable<void> open(Deadline) { co_return; }
  awaitable<void> close(Deadline) { co_return; }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by);
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by);
  awaitable<StorePage> scan(StoreScan scan, Deadline by);
  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want, Deadline by);
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by);
  awaitable<DuePage> load_due(DueQuery due, Deadline by);
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by);
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by);
  void put_back(const std::vector<DueEntry>& entries) noexcept { store_->inner().put_back(entries); }
  awaitable<SendPage> list_sends(SendQuery query, Deadline by);
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by);
  awaitable<KeyPage> list_keys(KeyQuery query, Deadline by);
  awaitable<SendCounts> count_sends(Deadline by);
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by);
  void hear_hints(HintListener listener) { hears_ = store_->hints().add("", std::move(listener)); }
  bool hears_hints() const noexcept { return true; }
  void hear_notes(NoteListener listener);
  void tell(const std::string& topic, const std::string& text);

 private:
  std::shared_ptr<WorldStore> store_;
  HintSubscription hears_;
  HintSubscription hears_notes_;
};

static_assert(MovableSchedule<WorldStorage> && NotingStorage<WorldStorage>);

}  // namespace tern::test
