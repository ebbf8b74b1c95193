#include "proactive/schedule/slot_leases.hpp"

namespace tern::proactive {

SlotLeases::Change SlotLeases::own(const std::vector<SlotLease>& leases) {
  Change change;
  SlotSet named;
  for (const auto& lease : leases) {
    auto& owned = owned_[lease.slot];
    named.set(lease.slot);
    if (!owned.held || owned.lease.epoch != lease.epoch) {
      ++owned.taken;
      change.taken.set(lease.slot);
    }
    owned.lease = lease;
    owned.held = true;
  }
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (owned_[slot].held && !named[slot]) {
      owned_[slot].held = false;
      change.dropped.set(slot);
    }
  }
  return change;
}

SlotLease SlotLeases::lease_of(const DueEntry& entry) const noexcept {
  auto lease = owned_[entry.slot].lease;
  lease.epoch = entry.epoch;
  return lease;
}

bool SlotLeases::is_good(std::uint16_t slot) const noexcept {
  const auto& owned = owned_[slot];
  if (!owned.held || owned.lease.until == SteadyTime::max()) {
    return owned.held;
  }
  const auto slept = clock_.asleep() - owned.lease.asleep;
  return clock_.now() + slept + margin < owned.lease.until;
}

bool SlotLeases::are_good() const noexcept {
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (owned_[slot].held && !is_good(slot)) {
      return false;
    }
  }
  return true;
}

bool SlotLeases::is_still_mine(const DueEntry& entry) const noexcept {
  const auto& owned = owned_[entry.slot];
  return owned.held && owned.lease.epoch == entry.epoch;
}

}  // namespace tern::proactive
