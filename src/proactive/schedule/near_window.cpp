#include "proactive/schedule/near_window.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tern::proactive {

void NearWindow::push(const DueEntry& entry) {
  heap_.push_back(entry);
  std::push_heap(heap_.begin(), heap_.end(), Later());
}

DueEntry NearWindow::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), Later());
  const auto entry = heap_.back();
  heap_.pop_back();
  return entry;
}

void NearWindow::add_loaded(const DueEntry& entry) {
  push(entry);
}

void NearWindow::add_swept(const DueEntry& entry) {
  const auto lane = busy_.find(entry.order_hash);
  const auto is_it = [&](const DueEntry& held) { return held.id == entry.id && held.generation == entry.generation; };
  const bool is_held = lane != busy_.end() && std::any_of(lane->second.held.begin(), lane->second.held.end(), is_it);
  if (size() < capacity_ && !is_held) {
    push(entry);
  }
}

// Its entry in the heap goes to the store when its time comes, and the store has nothing to give for it.
void NearWindow::free_retry(std::uint64_t order_hash, Lane& lane) {
  lane.retrying = false;
  retries_ -= std::exchange(lane.counted, false) ? 1 : 0;
  release(order_hash);
}

void NearWindow::forget_retry(const std::array<std::uint8_t, 16>& id) {
  const auto found = std::find_if(busy_.begin(), busy_.end(),
                                  [&](const auto& one) { return one.second.retrying && one.second.id == id; });
  if (found != busy_.end()) {
    free_retry(found->first, found->second);
  }
}

// It was moved while it waited for its next attempt: it waits for that no more, nor do those behind it. Its key is now
// its own for its new time, unless one that is held is due before that.
void NearWindow::move_retry(const DueEntry& entry) {
  const auto lane = busy_.find(entry.order_hash);
  if (lane == busy_.end() || !lane->second.retrying || lane->second.seq != entry.seq ||
      lane->second.generation >= entry.generation) {
    return;
  }
  const auto& held = lane->second.held;
  const auto& upto = covered_[entry.slot];
  const bool is_here = std::tie(entry.due, entry.seq) <= std::tie(upto.due, upto.seq) && size() < capacity_;
  if (is_here && (held.empty() || Later()(held.front(), entry))) {
    lane->second.set(entry);
  } else {
    free_retry(lane->first, lane->second);
  }
}

bool NearWindow::add_committed(const DueEntry& entry) {
  move_retry(entry);
  auto& upto = covered_[entry.slot];
  if (std::tie(entry.due, entry.seq) > std::tie(upto.due, upto.seq)) {
    return false;
  }
  if (size() >= capacity_) {
    // No room: from here on the slot is the store's again. Entries beyond that are held already stay; they are
    // loaded a second time, which does no harm.
    upto = {entry.due, entry.seq == 0 ? 0 : entry.seq - 1};
    return false;
  }
  push(entry);
  return true;
}

std::vector<DueEntry> NearWindow::take_due(WallTime now, std::size_t limit) {
  std::vector<DueEntry> ready;
  while (ready.size() < limit && !heap_.empty() && heap_.front().due <= now) {
    const auto entry = pop();
    auto [lane, free] = busy_.try_emplace(entry.order_hash);
    if (free) {
      lane->second.set(entry);
      ready.push_back(entry);
      continue;
    }
    if (lane->second.is_of(entry)) {
      if (std::exchange(lane->second.retrying, false)) {
        retries_ -= std::exchange(lane->second.counted, false) ? 1 : 0;
        ready.push_back(entry);
      }
      continue;
    }
    if (lane->second.retrying && !lane->second.counted) {
      // The one that was to go next has not gone, for the store was slow or the clock was set back, and this one came
      // late and is before it. That one is held when it comes out of the heap.
      lane->second.retrying = false;
      lane->second.set(entry);
      ready.push_back(entry);
      continue;
    }
    auto& held = lane->second.held;
    held.push_back(entry);
    std::push_heap(held.begin(), held.end(), Later());
    ++held_;
  }
  return ready;
}

void NearWindow::release(std::uint64_t order_hash) {
  const auto lane = busy_.find(order_hash);
  if (lane == busy_.end()) {
    return;
  }
  auto& held = lane->second.held;
  if (held.empty()) {
    busy_.erase(lane);
    return;
  }
  // The first of those held goes back to the window, where it is due at once; the lane stays busy for it alone.
  std::pop_heap(held.begin(), held.end(), Later());
  const auto next = held.back();
  held.pop_back();
  --held_;
  lane->second.retrying = true;
  lane->second.set(next);
  push(next);
}

void NearWindow::retry(const DueEntry& entry) {
  const auto& upto = covered_[entry.slot];
  if (retries_ >= capacity_ && std::tie(entry.due, entry.seq) > std::tie(upto.due, upto.seq)) {
    release(entry.order_hash);
    return;
  }
  auto& lane = busy_[entry.order_hash];
  lane.retrying = true;
  lane.set(entry);
  lane.counted = true;
  ++retries_;
  push(entry);
}

void NearWindow::drop_slot(std::uint16_t slot) {
  std::erase_if(heap_, [&](const DueEntry& entry) {
    if (entry.slot != slot) {
      return false;
    }
    const auto lane = busy_.find(entry.order_hash);
    if (lane != busy_.end() && lane->second.retrying && lane->second.is_of(entry)) {
      held_ -= lane->second.held.size();
      retries_ -= lane->second.counted ? 1 : 0;
      busy_.erase(lane);
    }
    return true;
  });
  std::make_heap(heap_.begin(), heap_.end(), Later());
  for (auto& [key, lane] : busy_) {
    if (!lane.retrying && lane.slot == slot) {
      lane.forget();  // should the slot come back, what is loaded then stands for itself
    }
    held_ -= std::erase_if(lane.held, [&](const DueEntry& entry) { return entry.slot == slot; });
    std::make_heap(lane.held.begin(), lane.held.end(), Later());
  }
  covered_[slot] = Covered();
}

std::optional<WallTime> NearWindow::next_due() const noexcept {
  return heap_.empty() ? std::nullopt : std::optional(heap_.front().due);
}

}  // namespace tern::proactive
