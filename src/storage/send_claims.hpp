#pragma once

#include <tern/storage/schedule_types.hpp>

#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tern::storage {

using SendId = std::array<std::uint8_t, 16>;

struct SendIdHash {
  std::size_t operator()(const SendId& id) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, id.data(), sizeof hash);  // ids are random
    return hash;
  }
};

/// What a process that holds slots of a shared schedule must remember: which slots, which of their sends are being
/// sent, and what it committed itself into a window that it had loaded.
///
/// A send is handed out once: `claim` marks it before its record is read, and `begin_edit` keeps it from being claimed
/// until the edit is committed. So of a cancellation and the sending of one send, one comes first and both know it. All
/// marks of a slot are void once it has changed hands.
///
/// Thread safety: any thread.
class SendClaims {
 public:
  /// `leases` are all that `owner` holds now.
  void hold(const std::string& owner, const std::vector<SlotLease>& leases);
  void release(const std::vector<SlotLease>& leases);
  /// The epoch in which a slot is held here; nullopt when it is not.
  std::optional<std::uint64_t> epoch_of(std::uint16_t slot) const;
  bool is_held_by(const SlotLease& lease) const;

  /// Which of the entries are now the caller's to send: their slot is held, and they are neither being sent nor edited.
  std::vector<bool> claim(const std::vector<DueEntry>& entries);
  /// The send of this generation is not sent after all, or its sending has ended. A later one stays claimed: it may be
  /// under way before the end of the one before it is known.
  void unclaim(std::uint16_t slot, const SendId& id, std::uint32_t generation);
  /// The same of those that were claimed under the lease of their entry, and not by an owner after it.
  void put_back(const std::vector<DueEntry>& entries) noexcept;

  /// False when it is being sent.
  bool begin_edit(std::uint16_t slot, const SendId& id);
  void end_edits(std::span<const SendId> ids);

  /// Something was loaded up to here.
  void note_loaded(const SlotLease& lease, WallTime until);
  /// Tells the owner of a send that was committed here into what it has loaded, or may have.
  void tell(const DueEntry& entry, WallTime now);
  std::vector<DueEntry> take_late(const std::vector<SlotLease>& leases);

 private:
  struct Slot {
    std::string owner;  ///< "" when it is not held here
    std::uint64_t epoch = 0;
    WallTime loaded_until = WallTime::min();
    std::vector<DueEntry> inbox;
    std::unordered_map<SendId, std::uint32_t, SendIdHash> claimed;  ///< in which generation
  };

  static bool is_held(const Slot& slot) noexcept { return !slot.owner.empty(); }
  static void give_up(Slot& slot);

  mutable std::mutex mutex_;
  std::array<Slot, slot_count> slots_;
  std::unordered_set<SendId, SendIdHash> edited_;
};

}  // namespace tern::storage
