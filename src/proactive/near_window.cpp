#include "proactive/near_window.hpp"

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

bool NearWindow::add_committed(const DueEntry& entry) {
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
      ready.push_back(entry);
      continue;
    }
    if (lane->second.retrying && lane->second.retry_seq == entry.seq) {
      lane->second.retrying = false;
      retries_ -= std::exchange(lane->second.counted, false) ? 1 : 0;
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
  lane->second.retry_seq = next.seq;
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
  lane.retry_seq = entry.seq;
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
    if (lane != busy_.end() && lane->second.retrying && lane->second.retry_seq == entry.seq) {
      held_ -= lane->second.held.size();
      retries_ -= lane->second.counted ? 1 : 0;
      busy_.erase(lane);
    }
    return true;
  });
  std::make_heap(heap_.begin(), heap_.end(), Later());
  for (auto& [key, lane] : busy_) {
    held_ -= std::erase_if(lane.held, [&](const DueEntry& entry) { return entry.slot == slot; });
    std::make_heap(lane.held.begin(), lane.held.end(), Later());
  }
  covered_[slot] = Covered();
}

std::optional<WallTime> NearWindow::next_due() const noexcept {
  return heap_.empty() ? std::nullopt : std::optional(heap_.front().due);
}

}  // namespace tern::proactive
