#pragma once

#include <tern/storage/schedule_types.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tern::storage {

/// An owner looks 30 s ahead. It is told of each new send that is due within two such windows, even when it has loaded
/// nothing so far, because its clock may be ahead of the clock of the process that stores the send.
inline constexpr std::chrono::seconds two_windows{60};

/// The owner of each slot in this process, and the news for each owner: the sends that were stored into a window that
/// it had loaded, or may have loaded. Each change of owner gives a slot a higher epoch.
///
/// Thread safety: none.
class SlotOwners {
 public:
  /// `first_epoch`: higher than any that was given before.
  explicit SlotOwners(std::uint64_t first_epoch = 1) : next_epoch_(first_epoch) {}

  /// Gives `owner` free slots until it holds `want`. Leases do not expire: the owners live and die with this object.
  HeldSlots take(const std::string& owner, std::uint16_t want);
  /// Somebody else gives the slots: `leases` are all that `owner` holds now.
  void set(const std::string& owner, const std::vector<SlotLease>& leases);
  void release(const std::vector<SlotLease>& leases) noexcept;

  bool is_held(std::uint16_t slot) const noexcept { return slot < slot_count && !slots_[slot].owner.empty(); }
  bool is_held_by(const SlotLease& lease) const noexcept {
    return is_held(lease.slot) && slots_[lease.slot].epoch == lease.epoch;
  }
  /// Of its owner, or of the last one.
  std::uint64_t epoch(std::uint16_t slot) const noexcept { return slots_[slot].epoch; }

  /// The owner of the lease has loaded all sends that are due before `until`.
  void note_loaded(const SlotLease& lease, WallTime until);

  /// Whether the owner of a slot has to be told of a send that is due then.
  bool is_near(std::uint16_t slot, WallTime due, WallTime now) const noexcept {
    return is_held(slot) && (due < slots_[slot].loaded_until || due < now + two_windows);
  }
  /// Tells the owner, if there is one and the send is near. An owner that does not ask is told of at most 100,000; it
  /// finds the rest when it loads the slot anew.
  void tell(const DueEntry& entry, WallTime now);
  /// The same for a store that knows at once which entries an owner need not be told any more (`is_over`). Those
  /// entries, and no others, are dropped before an owner that does not ask costs more memory.
  template <class IsOver>
  void tell(const DueEntry& entry, WallTime now, const IsOver& is_over) {
    if (!is_near(entry.slot, entry.due, now)) {
      return;
    }
    auto& slot = slots_[entry.slot];
    if (slot.inbox.size() >= slot.sweep_at) {
      std::erase_if(slot.inbox, is_over);
      slot.sweep_at = 2 * slot.inbox.size() + first_sweep;
    }
    slot.inbox.push_back(entry);
  }
  /// The news for the owners of these leases since they last asked.
  std::vector<DueEntry> take_late(const std::vector<SlotLease>& leases);

 private:
  static constexpr std::size_t first_sweep = 1024;

  struct Slot {
    std::string owner;  ///< "" when nobody holds it
    std::uint64_t epoch = 0;
    WallTime loaded_until = WallTime::min();
    std::vector<DueEntry> inbox;
    std::size_t sweep_at = first_sweep;
  };

  static void give_up(Slot& slot) noexcept;

  std::array<Slot, slot_count> slots_;
  std::uint64_t next_epoch_;
};

}  // namespace tern::storage
