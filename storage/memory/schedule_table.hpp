#pragma once

#include "dead_table.hpp"
#include "idempotency_table.hpp"
#include "send_record.hpp"
#include "storage/hash_index.hpp"
#include "storage/slot_owners.hpp"

#include <tern/storage.hpp>
#include <tern/storage/memory_storage.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <set>

namespace tern::detail {

/// The schedule of a `MemoryStorage`: 64 slots of pending sends, each with at most one owner.
///
/// Leases do not expire: the owners live and die with this memory. A slot that changes its owner gets a new epoch, and
/// all its claimed sends are free again.
/// Thread safety: none; the owner's mutex guards it.
class ScheduleTable {
 public:
  /// A send to be stored, prepared outside the lock.
  struct NewSend {
    explicit NewSend(const ScheduledSend& send);
    std::unique_ptr<SendRecord> record;
    std::string idempotency_key;
    SendDigest digest;
  };

  explicit ScheduleTable(const MemoryStorageLimits& limits);
  ~ScheduleTable();
  ScheduleTable(const ScheduleTable&) = delete;
  ScheduleTable& operator=(const ScheduleTable&) = delete;

  /// What an idempotency key stands for.
  std::optional<KnownKey> known_by(const std::string& idempotency_key, WallTime now) const;

  /// The sends whose keys are known although they must not be.
  std::vector<KnownSend> refused(const std::vector<ScheduledSend>& sends, WallTime now) const;

  /// Throws `invalid_argument` when a send's id is pending already, `overloaded` when the sends, and dead ones that
  /// `edits` make pending again, do not fit.
  void require_room(const std::vector<NewSend>& sends, const std::vector<SendEdit>& edits, WallTime now) const;

  /// Applies the write as the rules of the schedule say (`storage::ScheduleWrite`). `sends` are those of `changes`. An
  /// allocation that fails here ends the process: better than half a write.
  /// Preconditions: `require_room` did not throw, and nothing was applied since.
  void apply(const StoreChanges& changes, std::vector<NewSend>& sends, WallTime now, StoreReceipt& receipt) noexcept;

  HeldSlots hold(const std::string& owner, std::uint16_t want) { return owners_.take(owner, want); }
  void release(const std::vector<SlotLease>& leases) noexcept { owners_.release(leases); }

  DuePage load_due(const DueQuery& query);
  std::vector<DueEntry> load_late(const std::vector<SlotLease>& leases) { return owners_.take_late(leases); }

  /// The send of an entry, marked as being sent until its outcome or until its slot changes hands. None when it was
  /// cancelled, edited or tried meanwhile, or is marked: an owner that asks twice does not send twice.
  std::optional<PackedSend> fetch(const DueEntry& entry);
  void put_back(const DueEntry& entry) noexcept;

  /// Up to `query.limit` sends after `after`, which stands for `query.after`; whether there are more.
  bool list(const SendQuery& query, TimePlace after, std::vector<PackedSend>& sends) const;

  bool list_dead(const DeadQuery& query, std::uint64_t after, std::vector<DeadRecord>& found,
                 std::uint64_t& last) const {
    return dead_.list(query, after, found, last);
  }

  std::vector<KeptKey> list_keys(const KeyQuery& query, WallTime now) const { return idempotency_.list(query, now); }

  SendCounts counts() const;
  /// How many are due from `from` on and before `until`, estimated when they are many.
  std::uint64_t estimate_due(WallTime from, WallTime until) const;

 private:
  class Book;
  using ScheduleRules = storage::ScheduleRules;
  using SendState = storage::SendState;

  struct Slot {
    SendTree<ByDueTag, ByDue> fresh;             ///< those whose time is their due time
    SendTree<ByDueTag, ByEffectiveDue> retries;  ///< those that wait for their `not_before`
    SendTree<ByOrderTag, ByOrder> by_order;
    HashIndex<SendRecord> by_id;

    SendRecord* find(const std::array<std::uint8_t, 16>& id) const;
  };

  bool is_being_sent(const PackedSend& send) const noexcept {
    return owners_.is_held(send.slot) && send.fetched_in == owners_.epoch(send.slot);
  }
  SendRecord* find(const SendHandle& handle) const;
  void link(SendRecord& record);
  void unlink(SendRecord& record);
  /// Makes it pending.
  void insert(SendRecord& record);
  void erase(SendRecord& record);
  void tell_owner(const SendRecord& record, WallTime now);
  static std::uint64_t count_due(const Slot& slot, WallTime from, WallTime until);
  bool list_one(const std::string& order_key, TimePlace after, std::size_t limit, std::vector<PackedSend>& sends) const;
  bool list_all(TimePlace after, std::size_t limit, std::vector<PackedSend>& sends) const;

  MemoryStorageLimits limits_;
  storage::SlotOwners owners_;
  std::array<Slot, slot_count> slots_;
  std::set<SendRecord*, ByDue> retries_by_due_;  ///< of all slots; few, so they have no hook of their own for it
  IdempotencyTable idempotency_;
  boost::unordered_flat_map<std::uint64_t, std::vector<SendRecord*>> by_reply_;  ///< by the conversation's keyed hash
  DeadTable dead_;
  SendCounts counts_;
  std::uint64_t last_seq_ = 0;
};

}  // namespace tern::detail
