#include "schedule_slots.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace tern::detail::rocks {

namespace {

// An owner looks 30 s ahead. What is due within two such windows is told to it even when nothing was loaded so far,
// because its clock may be ahead of the committer's.
constexpr std::chrono::seconds two_windows{60};

// The most that an owner who does not ask is told. It finds the rest when it loads the slot anew.
constexpr std::size_t most_told = 100'000;

constexpr Place nowhere{WallTime::max(), UINT64_MAX};

}  // namespace

std::size_t SendIdHash::operator()(const SendId& id) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, id.data(), sizeof hash);  // ids are random
  return hash;
}

HeldSlots ScheduleSlots::hold(const std::string& owner, std::uint16_t want) {
  const std::lock_guard lock(mutex_);
  std::set<std::string_view> owners{owner};
  std::size_t held = 0;
  for (const auto& slot : slots_) {
    held += slot.owner == owner ? 1 : 0;
    if (is_held(slot)) {
      owners.insert(slot.owner);
    }
  }
  HeldSlots now;
  now.owners = static_cast<std::uint16_t>(owners.size());
  for (std::uint16_t i = 0; i < slot_count; ++i) {
    auto& slot = slots_[i];
    if (!is_held(slot) && held < want) {
      slot.owner = owner;
      slot.epoch = next_epoch_++;
      slot.loaded_until = WallTime::min();
      slot.inbox.clear();
      ++held;
    }
    if (slot.owner == owner) {
      now.leases.push_back(SlotLease{i, slot.epoch, SteadyTime::max()});
    }
  }
  // Marks of epochs that are over say nothing any more.
  std::erase_if(claimed_, [this](const auto& claim) {
    return std::none_of(slots_.begin(), slots_.end(),
                        [&](const Slot& slot) { return slot.epoch == claim.second.epoch; });
  });
  return now;
}

void ScheduleSlots::release(const std::vector<SlotLease>& leases) {
  const std::lock_guard lock(mutex_);
  for (const auto& lease : leases) {
    if (lease.slot < slot_count && slots_[lease.slot].epoch == lease.epoch) {
      slots_[lease.slot].owner.clear();
      slots_[lease.slot].inbox = {};
    }
  }
}

bool ScheduleSlots::is_held_by(const SlotLease& lease) const {
  const std::lock_guard lock(mutex_);
  return lease.slot < slot_count && is_held(slots_[lease.slot]) && slots_[lease.slot].epoch == lease.epoch;
}

bool ScheduleSlots::is_being_sent(const Slot& slot, const SendId& id) const {
  const auto claim = claimed_.find(id);
  return is_held(slot) && claim != claimed_.end() && claim->second.epoch == slot.epoch;
}

std::vector<bool> ScheduleSlots::claim(const std::vector<DueEntry>& entries) {
  std::vector<bool> ours(entries.size());
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    if (entry.slot >= slot_count) {
      continue;
    }
    const auto& slot = slots_[entry.slot];
    // A slot that nobody holds has an epoch all the same: what is claimed in it is claimed until somebody takes it.
    const auto claim = claimed_.find(entry.id);
    const bool taken = claim != claimed_.end() && claim->second.epoch == slot.epoch;
    const bool may_have_it = entry.epoch == 0 || entry.epoch == slot.epoch;
    if (may_have_it && !taken && !edited_.contains(entry.id)) {
      claimed_[entry.id] = {slot.epoch, entry.generation};
      ours[i] = true;
    }
  }
  return ours;
}

void ScheduleSlots::unclaim(std::span<const SendId> ids) {
  const std::lock_guard lock(mutex_);
  for (const auto& id : ids) {
    claimed_.erase(id);
  }
}

void ScheduleSlots::put_back(const std::vector<DueEntry>& entries) noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries) {
    const auto claim = claimed_.find(entry.id);
    if (claim != claimed_.end() && claim->second.epoch == entry.epoch && claim->second.generation == entry.generation) {
      claimed_.erase(claim);
    }
  }
}

bool ScheduleSlots::begin_edit(std::uint16_t slot, const SendId& id) {
  const std::lock_guard lock(mutex_);
  if (is_being_sent(slots_[slot], id)) {
    return false;
  }
  edited_.insert(id);
  return true;
}

void ScheduleSlots::end_edits(std::span<const SendId> ids) {
  const std::lock_guard lock(mutex_);
  for (const auto& id : ids) {
    edited_.erase(id);
  }
}

void ScheduleSlots::note_loaded(const SlotLease& lease, WallTime until) {
  const std::lock_guard lock(mutex_);
  auto& slot = slots_[lease.slot];
  slot.loaded_until = std::max(slot.loaded_until, until);
}

void ScheduleSlots::tell(const DueEntry& entry, WallTime now) {
  const std::lock_guard lock(mutex_);
  auto& slot = slots_[entry.slot];
  const bool near = entry.due < slot.loaded_until || entry.due < now + two_windows;
  if (is_held(slot) && near && slot.inbox.size() < most_told) {
    slot.inbox.push_back(entry);
  }
}

std::vector<DueEntry> ScheduleSlots::take_late(const std::vector<SlotLease>& leases) {
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

Place ScheduleSlots::low(std::uint16_t slot) const {
  const std::lock_guard lock(mutex_);
  return slots_[slot].low;
}

void ScheduleSlots::set_low(std::uint16_t slot, const Place& place) {
  const std::lock_guard lock(mutex_);
  slots_[slot].low = place;
}

// Nothing may stand before the bound, or nobody would look for it. What is overdue goes up to the bound: it is due at
// once there too, and no search has to walk over what was sent and deleted before. But when the clock was ahead, the
// bound may lie in a future that has not come: what went up to it would wait for that. So then the bound comes down, at
// the price of one walk over what was sent while the clock was ahead.
//
// That it comes down hides nothing from those who have read it before: a search is kept from moving it up past what has
// entered since; and a page that begins behind what has entered was asked for before that was committed, so that its
// owner is told of it. On the disk the bound comes down in the batch that brings the send, so that they are there
// together after a crash; take_moved comes after this.
Place ScheduleSlots::enter(std::uint16_t slot, const Place& place, WallTime now) {
  const std::lock_guard lock(mutex_);
  auto& here = slots_[slot];
  Place entered = place;
  entered.due = std::max(place.due, std::min(here.low.due, now));
  if (entered.due < here.low.due) {
    here.low = Place{entered.due, 0};
    here.moved = true;
  }
  here.entered = std::min(here.entered, entered);
  here.entering = std::min(here.entering, entered);
  return entered;
}

// What has entered before this and is not on the disk is not seen by the search, as what enters after it.
void ScheduleSlots::begin_search(std::uint16_t slot) {
  const std::lock_guard lock(mutex_);
  slots_[slot].entered = slots_[slot].entering;
}

void ScheduleSlots::end_search(std::uint16_t slot, const Place& first) {
  const std::lock_guard lock(mutex_);
  auto& here = slots_[slot];
  const Place bound{std::min(first.due, here.entered.due), 0};
  if (bound > here.low) {
    here.low = bound;
    here.moved = true;
  }
}

std::vector<std::pair<std::uint16_t, Place>> ScheduleSlots::take_moved() {
  std::vector<std::pair<std::uint16_t, Place>> moved;
  const std::lock_guard lock(mutex_);
  for (std::uint16_t i = 0; i < slot_count; ++i) {
    if (std::exchange(slots_[i].moved, false)) {
      slots_[i].storing = true;
      moved.emplace_back(i, slots_[i].low);
    }
  }
  return moved;
}

void ScheduleSlots::end_batch(bool written) {
  const std::lock_guard lock(mutex_);
  for (auto& slot : slots_) {
    slot.entering = nowhere;
    slot.moved = slot.moved || (slot.storing && !written);
    slot.storing = false;
  }
}

}  // namespace tern::detail::rocks
