#pragma once

#include "storage/send_id.hpp"
#include "storage/slot_owners.hpp"

#include <array>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tern::storage {

/// The memory of a process that holds slots, which lives and dies with the process: its slots, the sends that are
/// being sent, and the sends that were stored into a window that it had loaded.
///
/// A send is handed out once: `claim` marks it before its record is read, and `begin_edit` keeps it from being claimed
/// until the edit is stored. So of a cancellation and an attempt to send, one comes first, and both sides know which.
/// All marks of a slot are void once the slot has another owner.
///
/// Thread safety: any thread.
class SendClaims {
 public:
  explicit SendClaims(std::uint64_t first_epoch = 1) : owners_(first_epoch) {}

  /// As the functions of `SlotOwners`.
  HeldSlots take(const std::string& owner, std::uint16_t want);
  void set(const std::string& owner, const std::vector<SlotLease>& leases);
  void release(const std::vector<SlotLease>& leases);
  bool is_held_by(const SlotLease& lease) const;
  /// The epoch in which a slot is held here; nullopt when it is not.
  std::optional<std::uint64_t> epoch_of(std::uint16_t slot) const;

  /// Which of the entries the caller may send now: their slot is held, and they are neither being sent nor edited.
  std::vector<bool> claim(const std::vector<DueEntry>& entries);
  /// The send of this generation is not sent after all, or its attempt has ended. A later generation stays claimed: it
  /// may be under way before the end of the earlier one is known.
  void unclaim(std::uint16_t slot, const SendId& id, std::uint32_t generation);
  /// The same for sends that were claimed under the lease of their entry, and not by a later owner.
  void put_back(const std::vector<DueEntry>& entries) noexcept;

  /// False when it is being sent.
  bool begin_edit(std::uint16_t slot, const SendId& id);
  void end_edits(std::span<const SendId> ids);

  /// As the functions of `SlotOwners`.
  void note_loaded(const SlotLease& lease, WallTime until);
  void tell(const DueEntry& entry, WallTime now);
  std::vector<DueEntry> take_late(const std::vector<SlotLease>& leases);

 private:
  /// The sends of a slot that are being sent, and in which generation.
  struct Claims {
    std::uint64_t epoch = 0;  ///< of the owner who sends them
    std::unordered_map<SendId, std::uint32_t, SendIdHash> claimed;
  };

  void forget_void_claims();
  void unclaim_of(std::uint16_t slot, const SendId& id, std::uint32_t generation);

  mutable std::mutex mutex_;
  SlotOwners owners_;
  std::array<Claims, slot_count> claims_;
  std::unordered_set<SendId, SendIdHash> edited_;
};

}  // namespace tern::storage
