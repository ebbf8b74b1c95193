#include "proactive/schedule/in_flight.hpp"

#include <algorithm>

namespace tern::proactive {

std::size_t InFlight::room_to_send(std::size_t unrecorded) const noexcept {
  const auto sending = all_ - std::min(all_, running_);
  if (sending >= places_.sends || sending + unrecorded >= places_.sends + places_.batch) {
    return 0;
  }
  return std::min({places_.sends - sending, places_.batch, places_.sends + places_.batch - sending - unrecorded});
}

bool InFlight::has_place_to_run(std::size_t unrecorded) const noexcept {
  return running_ < places_.continuations && running_ + unrecorded < places_.continuations + places_.batch;
}

SlotSet InFlight::slots() const noexcept {
  SlotSet slots;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    slots.set(slot, of_slot_[slot] > 0);
  }
  return slots;
}

}  // namespace tern::proactive
