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

// Of a slot that is taken again the ended context goes only now, so that it could be asked until now.
TurnContext& TurnSlots::begin(TurnEnvironment& environment, Activity activity, std::string_view id,
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
  slot.end(slot.held > 0);
  if (slot.held == 0) {
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
}

void TurnSlots::release(Slot& slot) noexcept {
  if (--slot.held == 0 && slot.ended_) {
    slot.let_go();
    rest(slot);
  }
}

TurnSlots::Hold::Hold(std::shared_ptr<TurnSlots> slots, TurnContext& context) noexcept
    : slots_(std::move(slots)), context_(context) {
  ++static_cast<Slot&>(context_).held;
}

TurnSlots::Hold::~Hold() {
  slots_->release(static_cast<Slot&>(context_));
}

}  // namespace tern::detail
