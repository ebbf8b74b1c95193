#pragma once

#include "schedule_keys.hpp"

#include <tern/storage.hpp>

#include <array>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace tern::detail::rocks {

struct SendIdHash {
  std::size_t operator()(const SendId& id) const noexcept;
};

/// What lives and dies with the process that has the folder: who owns each slot, which sends are being sent, what was
/// committed into a window that was loaded, and from where on a slot holds anything.
///
/// A send is handed out once: `claim` marks it before its record is read, and `begin_edit` keeps it from being claimed
/// until the edit is on the disk. So of a cancellation and the sending of one send, one comes first and both know it.
///
/// Thread safety: any thread.
class ScheduleSlots {
 public:
  /// `first_epoch`: higher than any of a process before.
  explicit ScheduleSlots(std::uint64_t first_epoch) : next_epoch_(first_epoch) {}

  HeldSlots hold(const std::string& owner, std::uint16_t want);
  void release(const std::vector<SlotLease>& leases);
  bool is_held_by(const SlotLease& lease) const;

  /// Which of the entries are now the caller's to send: their slot is held, and they are neither being sent nor edited.
  std::vector<bool> claim(const std::vector<DueEntry>& entries);
  /// They are not sent after all.
  void unclaim(std::span<const SendId> ids);
  /// The same of those that were claimed under the lease of their entry, and not by an owner after it.
  void put_back(const std::vector<DueEntry>& entries) noexcept;

  /// False when it is being sent.
  bool begin_edit(std::uint16_t slot, const SendId& id);
  void end_edits(std::span<const SendId> ids);

  /// Something was loaded up to here.
  void note_loaded(const SlotLease& lease, WallTime until);
  /// Tells the owner of a send that was committed into what it has loaded, or may have.
  void tell(const DueEntry& entry, WallTime now);
  std::vector<DueEntry> take_late(const std::vector<SlotLease>& leases);

  /// Before this place a slot holds nothing: a search that begins here does not meet what was deleted.
  Place low(std::uint16_t slot) const;
  void set_low(std::uint16_t slot, const Place& place);
  /// Where a new send of a slot goes: at `place`, or at the lower bound when that is later and has passed at `now`. A
  /// bound that lies ahead, since a clock was ahead, comes down instead, with the batch of the send.
  Place enter(std::uint16_t slot, const Place& place, WallTime now);
  /// Around a search for the first send of a slot: what enters meanwhile keeps the bound from passing it.
  void begin_search(std::uint16_t slot);
  void end_search(std::uint16_t slot, const Place& first);
  /// Bounds that have moved and are not on the disk, for the batch under way.
  std::vector<std::pair<std::uint16_t, Place>> take_moved();
  /// The batch under way, with all that has entered and all bounds that were taken, is on the disk, or nothing of it.
  void end_batch(bool written);

 private:
  struct Slot {
    std::string owner;  ///< "" when nobody holds it
    std::uint64_t epoch = 0;
    WallTime loaded_until = WallTime::min();
    std::vector<DueEntry> inbox;
    Place low;
    Place entered;                                ///< the earliest since a search began
    Place entering{WallTime::max(), UINT64_MAX};  ///< the earliest of the batch under way, which no search sees yet
    bool moved = false;
    bool storing = false;  ///< it moved, and the batch under way says so
  };

  bool is_held(const Slot& slot) const noexcept { return !slot.owner.empty(); }
  bool is_being_sent(const Slot& slot, const SendId& id) const;

  mutable std::mutex mutex_;
  std::array<Slot, slot_count> slots_;
  struct Claim {
    std::uint64_t epoch = 0;
    std::uint32_t generation = 0;
  };
  std::unordered_map<SendId, Claim, SendIdHash> claimed_;
  std::set<SendId> edited_;
  std::uint64_t next_epoch_;
};

}  // namespace tern::detail::rocks
