#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage/schedule_types.hpp>

#include <array>
#include <bitset>
#include <chrono>
#include <cstdint>
#include <vector>

namespace tern::proactive {

using SlotSet = std::bitset<slot_count>;

/// The slots that a scheduler owns, and the ends of their leases.
///
/// Thread safety: none.
class SlotLeases {
 public:
  /// The first write of a send must be at least this long before the end of the lease.
  static constexpr std::chrono::seconds margin{1};

  /// Lifetime: the clock outlives it.
  explicit SlotLeases(const Clock& clock) : clock_(clock) {}

  /// The changes of `own`.
  struct Change {
    SlotSet taken;    ///< held from now on, or again after another owner may have had them
    SlotSet dropped;  ///< not held any more
  };
  /// From now on exactly these slots are held, with these leases.
  Change own(const std::vector<SlotLease>& leases);

  bool holds(std::uint16_t slot) const noexcept { return owned_[slot].held; }
  /// How often a slot was taken: questions to the store from before the last time do not count.
  std::uint64_t times_taken(std::uint16_t slot) const noexcept { return owned_[slot].taken; }
  /// The last lease of a slot.
  const SlotLease& lease(std::uint16_t slot) const noexcept { return owned_[slot].lease; }
  /// The lease under which the record of `entry` was fetched.
  SlotLease lease_of(const DueEntry& entry) const noexcept;

  /// Whether a send of this slot may begin: its lease does not end at once. A lease ends by the store's clock, which
  /// goes on while this machine is suspended.
  bool is_good(std::uint16_t slot) const noexcept;
  /// The same for all held slots. All leases are renewed at once.
  bool are_good() const noexcept;
  /// Whether the slot of `entry` is held under the lease under which its record was fetched. If the slot went and came
  /// back, another owner may have had the send meanwhile, and an outcome of this process must not count.
  bool is_still_mine(const DueEntry& entry) const noexcept;

 private:
  struct Owned {
    SlotLease lease;
    bool held = false;
    std::uint64_t taken = 0;
  };

  const Clock& clock_;
  std::array<Owned, slot_count> owned_{};
};

}  // namespace tern::proactive
