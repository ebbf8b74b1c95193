#include "schedule_state.hpp"

#include <algorithm>
#include <iterator>

namespace tern::detail::pg {

namespace {

// All before it share a partition.
constexpr std::int32_t first_week = 2800;

}  // namespace

void RetryPlaces::note(std::uint16_t slot, const SendId& id, WallTime due) {
  const std::lock_guard lock(mutex_);
  due_.at(slot)[id] = due;
}

void RetryPlaces::forget(std::uint16_t slot, const SendId& id) {
  const std::lock_guard lock(mutex_);
  due_.at(slot).erase(id);
}

void RetryPlaces::forget_slot(std::uint16_t slot) {
  const std::lock_guard lock(mutex_);
  due_.at(slot).clear();
}

WallTime RetryPlaces::due_of(const DueEntry& entry) const {
  const std::lock_guard lock(mutex_);
  const auto& places = due_.at(entry.slot);
  const auto found = places.find(entry.id);
  return found == places.end() ? entry.due : found->second;
}

std::vector<std::int32_t> SendWeeks::missing(const std::set<std::int32_t>& weeks) const {
  std::vector<std::int32_t> missing;
  const std::lock_guard lock(mutex_);
  std::copy_if(weeks.begin(), weeks.end(), std::back_inserter(missing),
               [this](std::int32_t week) { return week >= first_week && !known_.contains(week); });
  return missing;
}

void SendWeeks::add(std::int32_t week) {
  const std::lock_guard lock(mutex_);
  known_.insert(week);
}

void SendWeeks::forget_all() {
  const std::lock_guard lock(mutex_);
  known_.clear();
}

}  // namespace tern::detail::pg
