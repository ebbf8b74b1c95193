#include "turn/turn_slots.hpp"

#include "turn/environment.hpp"
#include "turn/unit_of_work.hpp"

#include <new>
#include <utility>

namespace tern::detail {

TurnSlots::~TurnSlots() {
  while (first_resting_ != nullptr) {
    destroy(std::exchange(first_resting_, first_resting_->next));
  }
  while (free_ != nullptr) {
    destroy(std::exchange(free_, free_->next));
  }
}

void TurnSlots::destroy(Slot* slot) noexcept {
  std::destroy_at(slot);
  ::operator delete(slot);
}

// The ended context in a slot is destroyed only when the slot is used again, so that a late use is noticed until then.
TurnContext& TurnSlots::begin(TurnEnvironment& environment, Activity&& activity, std::string_view id,
                              TurnOutput& output) {
  void* memory = nullptr;
  if (free_ != nullptr) {
    auto* const slot = std::exchange(free_, free_->next);
    --free_count_;
    std::destroy_at(slot);
    memory = slot;
  } else {
    memory = ::operator new(sizeof(Slot));
  }
  auto* const slot = new (memory) Slot(environment, std::move(activity), output);
  slot->take_name(id);
  return *slot;
}

void TurnSlots::end(TurnContext& context) noexcept {
  auto& slot = static_cast<Slot&>(context);
  slot.end(slot.pins > 0);
  if (slot.pins == 0) {
    rest(slot);
  }
}

void TurnSlots::rest(Slot& slot) noexcept {
  slot.next = nullptr;
  (last_resting_ != nullptr ? last_resting_->next : first_resting_) = &slot;
  last_resting_ = &slot;
  if (++resting_ <= most_resting) {
    return;
  }
  --resting_;
  auto* const rested = std::exchange(first_resting_, first_resting_->next);
  if (free_count_ >= most_free) {
    destroy(rested);
    return;
  }
  rested->next = std::exchange(free_, rested);
  ++free_count_;
  // The next turn uses this slot, which is no longer in the cache.
  constexpr std::size_t cache_line = 64;
  for (std::size_t at = 0; at < sizeof(Slot); at += cache_line) {
    __builtin_prefetch(reinterpret_cast<const char*>(rested) + at);
  }
}

void TurnSlots::release(Slot& slot) noexcept {
  if (--slot.pins == 0 && slot.ended_) {
    slot.let_go();
    rest(slot);
  }
}

TurnSlots::Pin::Pin(std::shared_ptr<TurnSlots> slots, TurnContext& context) noexcept
    : slots_(std::move(slots)), context_(context) {
  ++static_cast<Slot&>(context_).pins;
}

TurnSlots::Pin::~Pin() {
  slots_->release(static_cast<Slot&>(context_));
}

}  // namespace tern::detail
