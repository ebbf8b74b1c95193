#include "storage/send_claims.hpp"

#include <algorithm>
#include <iterator>

namespace tern::storage {

namespace {

// An owner looks 30 s ahead. What is due within two such windows is told to it even when nothing was loaded so far,
// because its clock may be ahead of the writer's.
constexpr std::chrono::seconds two_windows{60};

// The most that an owner who does not ask is told. It finds the rest when it loads the slot anew.
constexpr std::size_t most_told = 100'000;

}  // namespace

void SendClaims::give_up(Slot& slot) {
  slot.owner.clear();
  slot.inbox = {};
  slot.claimed.clear();
  slot.loaded_until = WallTime::min();
}

void SendClaims::hold(const std::string& owner, const std::vector<SlotLease>& leases) {
  std::array<bool, slot_count> named{};
  const std::lock_guard lock(mutex_);
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

void SendClaims::release(const std::vector<SlotLease>& leases) {
  const std::lock_guard lock(mutex_);
  for (const auto& lease : leases) {
    if (lease.slot < slot_count && slots_[lease.slot].epoch == lease.epoch) {
      give_up(slots_[lease.slot]);
    }
  }
}

std::optional<std::uint64_t> SendClaims::epoch_of(std::uint16_t slot) const {
  const std::lock_guard lock(mutex_);
  return slot < slot_count && is_held(slots_[slot]) ? std::optional(slots_[slot].epoch) : std::nullopt;
}

bool SendClaims::is_held_by(const SlotLease& lease) const {
  const auto epoch = epoch_of(lease.slot);
  return epoch && *epoch == lease.epoch;
}

std::vector<bool> SendClaims::claim(const std::vector<DueEntry>& entries) {
  std::vector<bool> ours(entries.size());
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    if (entry.slot >= slot_count) {
      continue;
    }
    const auto& slot = slots_[entry.slot];
    const bool may_have_it = entry.epoch == 0 || entry.epoch == slot.epoch;
    if (may_have_it && is_held(slot) && !edited_.contains(entry.id)) {
      ours[i] = slots_[entry.slot].claimed.emplace(entry.id, entry.generation).second;
    }
  }
  return ours;
}

void SendClaims::unclaim(std::uint16_t slot, const SendId& id, std::uint32_t generation) {
  const std::lock_guard lock(mutex_);
  auto& claimed = slots_.at(slot).claimed;
  const auto claim = claimed.find(id);
  if (claim != claimed.end() && claim->second == generation) {
    claimed.erase(claim);
  }
}

void SendClaims::put_back(const std::vector<DueEntry>& entries) noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries) {
    if (entry.slot >= slot_count || slots_[entry.slot].epoch != entry.epoch) {
      continue;
    }
    auto& claimed = slots_[entry.slot].claimed;
    const auto claim = claimed.find(entry.id);
    if (claim != claimed.end() && claim->second == entry.generation) {
      claimed.erase(claim);
    }
  }
}

bool SendClaims::begin_edit(std::uint16_t slot, const SendId& id) {
  const std::lock_guard lock(mutex_);
  if (slots_.at(slot).claimed.contains(id)) {
    return false;
  }
  edited_.insert(id);
  return true;
}

void SendClaims::end_edits(std::span<const SendId> ids) {
  const std::lock_guard lock(mutex_);
  for (const auto& id : ids) {
    edited_.erase(id);
  }
}

void SendClaims::note_loaded(const SlotLease& lease, WallTime until) {
  const std::lock_guard lock(mutex_);
  auto& slot = slots_.at(lease.slot);
  slot.loaded_until = std::max(slot.loaded_until, until);
}

void SendClaims::tell(const DueEntry& entry, WallTime now) {
  const std::lock_guard lock(mutex_);
  auto& slot = slots_.at(entry.slot);
  const bool near = entry.due < slot.loaded_until || entry.due < now + two_windows;
  if (is_held(slot) && near && slot.inbox.size() < most_told) {
    slot.inbox.push_back(entry);
  }
}

std::vector<DueEntry> SendClaims::take_late(const std::vector<SlotLease>& leases) {
  std::vector<DueEntry> late;
  const std::lock_guard lock(mutex_);
  for (const auto& lease : leases) {
    if (lease.slot < slot_count && is_held(slots_[lease.slot]) && slots_[lease.slot].epoch == lease.epoch) {
      auto& inbox = slots_[lease.slot].inbox;
      late.insert(late.end(), inbox.begin(), inbox.end());
      inbox.clear();
    }
  }
  return late;
}

}  // namespace tern::storage
