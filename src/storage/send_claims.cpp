#include "storage/send_claims.hpp"

namespace tern::storage {

// After each change of owners, so that the claims of a slot are those of the owner that it has now.
void SendClaims::forget_void_claims() {
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    auto& claims = claims_[slot];
    if (!owners_.is_held(slot) || claims.epoch != owners_.epoch(slot)) {
      claims.claimed.clear();
      claims.epoch = owners_.epoch(slot);
    }
  }
}

HeldSlots SendClaims::take(const std::string& owner, std::uint16_t want) {
  const std::lock_guard lock(mutex_);
  auto held = owners_.take(owner, want);
  forget_void_claims();
  return held;
}

void SendClaims::set(const std::string& owner, const std::vector<SlotLease>& leases) {
  const std::lock_guard lock(mutex_);
  owners_.set(owner, leases);
  forget_void_claims();
}

void SendClaims::release(const std::vector<SlotLease>& leases) {
  const std::lock_guard lock(mutex_);
  owners_.release(leases);
  forget_void_claims();
}

bool SendClaims::is_held_by(const SlotLease& lease) const {
  const std::lock_guard lock(mutex_);
  return owners_.is_held_by(lease);
}

std::optional<std::uint64_t> SendClaims::epoch_of(std::uint16_t slot) const {
  const std::lock_guard lock(mutex_);
  return owners_.is_held(slot) ? std::optional(owners_.epoch(slot)) : std::nullopt;
}

std::vector<bool> SendClaims::claim(const std::vector<DueEntry>& entries) {
  std::vector<bool> ours(entries.size());
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    if (!owners_.is_held(entry.slot)) {
      continue;
    }
    const bool may_have_it = entry.epoch == 0 || entry.epoch == owners_.epoch(entry.slot);
    if (may_have_it && !edited_.contains(entry.id)) {
      ours[i] = claims_[entry.slot].claimed.emplace(entry.id, entry.generation).second;
    }
  }
  return ours;
}

void SendClaims::unclaim_of(std::uint16_t slot, const SendId& id, std::uint32_t generation) {
  auto& claimed = claims_.at(slot).claimed;
  const auto claim = claimed.find(id);
  if (claim != claimed.end() && claim->second == generation) {
    claimed.erase(claim);
  }
}

void SendClaims::unclaim(std::uint16_t slot, const SendId& id, std::uint32_t generation) {
  const std::lock_guard lock(mutex_);
  unclaim_of(slot, id, generation);
}

void SendClaims::put_back(const std::vector<DueEntry>& entries) noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries) {
    if (entry.slot < slot_count && claims_[entry.slot].epoch == entry.epoch) {
      unclaim_of(entry.slot, entry.id, entry.generation);
    }
  }
}

bool SendClaims::begin_edit(std::uint16_t slot, const SendId& id) {
  const std::lock_guard lock(mutex_);
  if (claims_.at(slot).claimed.contains(id)) {
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
  owners_.note_loaded(lease, until);
}

void SendClaims::tell(const DueEntry& entry, WallTime now) {
  const std::lock_guard lock(mutex_);
  owners_.tell(entry, now);
}

std::vector<DueEntry> SendClaims::take_late(const std::vector<SlotLease>& leases) {
  const std::lock_guard lock(mutex_);
  return owners_.take_late(leases);
}

}  // namespace tern::storage
