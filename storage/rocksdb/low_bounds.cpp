#include "low_bounds.hpp"

#include <algorithm>

namespace tern::detail::rocks {

namespace {

constexpr Place nowhere{WallTime::max(), UINT64_MAX};

}  // namespace

Place LowBounds::low(std::uint16_t slot) const {
  const std::lock_guard lock(mutex_);
  return slots_[slot].low;
}

void LowBounds::set_low(std::uint16_t slot, const Place& place) {
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
Place LowBounds::enter(std::uint16_t slot, const Place& place, WallTime now) {
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

// The search does not see sends that have entered before it and are not on the disk, nor sends that enter after it.
void LowBounds::begin_search(std::uint16_t slot) {
  const std::lock_guard lock(mutex_);
  slots_[slot].entered = slots_[slot].entering;
}

void LowBounds::end_search(std::uint16_t slot, const Place& first) {
  const std::lock_guard lock(mutex_);
  auto& here = slots_[slot];
  const Place bound{std::min(first.due, here.entered.due), 0};
  if (bound > here.low) {
    here.low = bound;
    here.moved = true;
  }
}

std::vector<std::pair<std::uint16_t, Place>> LowBounds::take_moved() {
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

void LowBounds::end_batch(bool written) {
  const std::lock_guard lock(mutex_);
  for (auto& slot : slots_) {
    slot.entering = nowhere;
    slot.moved = slot.moved || (slot.storing && !written);
    slot.storing = false;
  }
}

}  // namespace tern::detail::rocks
