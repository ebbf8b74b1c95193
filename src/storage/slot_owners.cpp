#include "storage/slot_owners.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace tern::storage {

namespace {

constexpr std::size_t most_told = 100'000;

}  // namespace

void SlotOwners::give_up(Slot& slot) noexcept {
  slot.owner.clear();
  slot.inbox = {};
  slot.sweep_at = first_sweep;
  slot.loaded_until = WallTime::min();
}

HeldSlots SlotOwners::take(const std::string& owner, std::uint16_t want) {
  std::set<std::string_view> owners{owner};
  std::size_t held = 0;
  for (const auto& slot : slots_) {
    held += slot.owner == owner ? 1 : 0;
    if (!slot.owner.empty()) {
      owners.insert(slot.owner);
    }
  }
  HeldSlots now;
  now.owners = static_cast<std::uint16_t>(owners.size());
  now.leases.reserve(std::max<std::size_t>(held, std::min(want, slot_count)));
  for (std::uint16_t i = 0; i < slot_count; ++i) {
    auto& slot = slots_[i];
    if (slot.owner.empty() && held < want) {
      slot.owner = owner;
      slot.epoch = next_epoch_++;
      ++held;
    }
    if (slot.owner == owner) {
      now.leases.push_back(SlotLease{i, slot.epoch, SteadyTime::max()});
    }
  }
  return now;
}

void SlotOwners::set(const std::string& owner, const std::vector<SlotLease>& leases) {
  std::array<bool, slot_count> named{};
  for (const auto& lease : leases) {
    auto& slot = slots_.at(lease.slot);
    named[lease.slot] = true;
    if (slot.owner != owner || slot.epoch != lease.epoch) {
      give_up(slot);
      slot.owner = owner;
      slot.epoch = lease.epoch;
    }
  }
  for (std::size_t i = 0; i < slot_count; ++i) {
    if (!named[i] && slots_[i].owner == owner) {
      give_up(slots_[i]);
    }
  }
}

void SlotOwners::release(const std::vector<SlotLease>& leases) noexcept {
  for (const auto& lease : leases) {
    if (is_held_by(lease)) {
      give_up(slots_[lease.slot]);
    }
  }
}

void SlotOwners::note_loaded(const SlotLease& lease, WallTime until) {
  if (is_held_by(lease)) {
    auto& slot = slots_[lease.slot];
    slot.loaded_until = std::max(slot.loaded_until, until);
  }
}

void SlotOwners::tell(const DueEntry& entry, WallTime now) {
  if (is_near(entry.slot, entry.due, now) && slots_[entry.slot].inbox.size() < most_told) {
    slots_[entry.slot].inbox.push_back(entry);
  }
}

std::vector<DueEntry> SlotOwners::take_late(const std::vector<SlotLease>& leases) {
  std::vector<DueEntry> late;
  for (const auto& lease : leases) {
    if (is_held_by(lease)) {
      auto& inbox = slots_[lease.slot].inbox;
      late.insert(late.end(), inbox.begin(), inbox.end());
      inbox.clear();
    }
  }
  return late;
}

}  // namespace tern::storage
