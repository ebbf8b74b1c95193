#include "schedule_table.hpp"

#include "storage/estimate_over_slots.hpp"

#include <queue>

// The functions of a schedule that change nothing in it: lists and counts.

namespace tern::detail {

SendCounts ScheduleTable::counts() const {
  auto counts = counts_;
  counts.kept_dead = dead_.size();
  for (const auto& slot : slots_) {
    if (!slot.fresh.empty()) {
      counts.oldest = std::min(counts.oldest.value_or(WallTime::max()), slot.fresh.begin()->send.due);
    }
  }
  if (!retries_by_due_.empty()) {
    counts.oldest = std::min(counts.oldest.value_or(WallTime::max()), (*retries_by_due_.begin())->send.due);
  }
  return counts;
}

std::uint64_t ScheduleTable::count_due(const Slot& slot, WallTime from, WallTime until) {
  std::uint64_t count = 0;
  for (auto at = slot.fresh.lower_bound(TimePlace{from, 0}, ByDue());
       at != slot.fresh.end() && at->send.due < until && count < most_counted_in_slot; ++at) {
    ++count;
  }
  for (const auto& retry : slot.retries) {  // in another order; but they are few
    count += retry.send.due >= from && retry.send.due < until ? 1 : 0;
  }
  return count;
}

std::uint64_t ScheduleTable::estimate_due(WallTime from, WallTime until) const {
  return estimate_over_slots(from, until, [&](std::uint16_t first, std::uint16_t end) {
    std::uint64_t count = 0;
    for (auto slot = first; slot < end; ++slot) {
      count += count_due(slots_[slot], from, until);
    }
    return count;
  });
}

bool ScheduleTable::list(const SendQuery& query, TimePlace after, std::vector<PackedSend>& sends) const {
  if (query.handle) {
    const auto* record = find(*query.handle);
    if (record != nullptr && after < ByDue::place(*record) &&
        (!query.order_key || record->send.order_key() == *query.order_key)) {
      sends.push_back(record->send);
    }
    return false;
  }
  return query.order_key ? list_one(*query.order_key, after, query.limit, sends) : list_all(after, query.limit, sends);
}

bool ScheduleTable::list_one(const std::string& order_key, TimePlace after, std::size_t limit,
                             std::vector<PackedSend>& sends) const {
  const auto hash = order_hash_of(order_key);
  const auto& tree = slots_[slot_of(order_key)].by_order;
  for (auto at = tree.upper_bound(ByOrder::Place{hash, after}, ByOrder());
       at != tree.end() && at->send.order_hash == hash; ++at) {
    if (at->send.order_key() != order_key) {
      continue;  // another key with the same hash
    }
    if (sends.size() == limit) {
      return true;
    }
    sends.push_back(at->send);
  }
  return false;
}

// Merges the slots; a listing of everything is rare, and one more tree over all sends would cost each of them.
bool ScheduleTable::list_all(TimePlace after, std::size_t limit, std::vector<PackedSend>& sends) const {
  using Tree = SendTree<ByDueTag, ByDue>;
  const auto later = [](const Tree::const_iterator& a, const Tree::const_iterator& b) { return ByDue()(*b, *a); };
  std::priority_queue<Tree::const_iterator, std::vector<Tree::const_iterator>, decltype(later)> heads(later);
  for (const auto& slot : slots_) {
    const auto first = slot.fresh.upper_bound(after, ByDue());
    if (first != slot.fresh.end()) {
      heads.push(first);
    }
  }
  auto retry = retries_by_due_.upper_bound(after);
  while (!heads.empty() || retry != retries_by_due_.end()) {
    if (sends.size() == limit) {
      return true;
    }
    if (heads.empty() || (retry != retries_by_due_.end() && ByDue()(**retry, *heads.top()))) {
      sends.push_back((*retry++)->send);
      continue;
    }
    auto head = heads.top();
    heads.pop();
    const auto& tree = slots_[head->send.slot].fresh;
    sends.push_back(head->send);
    if (++head != tree.end()) {
      heads.push(head);
    }
  }
  return false;
}

}  // namespace tern::detail
