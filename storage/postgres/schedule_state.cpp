#include "schedule_state.hpp"

#include <algorithm>
#include <iterator>

namespace tern::detail::pg {

namespace {

// All before it share a partition.
constexpr std::int32_t first_week = 2800;

}  // namespace

void RetryPlaces::note(std::uint16_t slot, const SendId& id, std::uint32_t generation, WallTime due) {
  const std::lock_guard lock(mutex_);
  auto& place = places_.at(slot)[id];
  if (generation >= place.generation) {
    place = {generation, due};
  }
}

void RetryPlaces::forget(std::uint16_t slot, const SendId& id, std::uint32_t generation) {
  const std::lock_guard lock(mutex_);
  auto& places = places_.at(slot);
  const auto found = places.find(id);
  if (found != places.end() && found->second.generation <= generation) {
    places.erase(found);
  }
}

void RetryPlaces::forget_slot(std::uint16_t slot) {
  const std::lock_guard lock(mutex_);
  places_.at(slot).clear();
}

WallTime RetryPlaces::due_of(const DueEntry& entry) const {
  const std::lock_guard lock(mutex_);
  const auto& places = places_.at(entry.slot);
  const auto found = places.find(entry.id);
  const bool is_known = found != places.end() && found->second.generation == entry.generation;
  return is_known ? found->second.due : entry.due;
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

FirstDue::Search FirstDue::begin(WallTime now, SteadyTime moment) {
  constexpr std::chrono::minutes behind{1};
  constexpr std::chrono::minutes pause{1};
  const std::lock_guard lock(mutex_);
  behind_ = std::max(behind_, now - behind);
  Search search;
  search.behind = now - behind;
  search.entered = entered_;
  if (all_at_ == SteadyTime::min() || moment - all_at_ >= pause) {
    all_at_ = moment;
  } else {
    search.from = bound_;
  }
  return search;
}

void FirstDue::end(const Search& search, std::optional<WallTime> first) {
  const std::lock_guard lock(mutex_);
  if (entered_ == search.entered) {
    bound_ = std::min(first.value_or(WallTime::max()), search.behind);
  }
}

void FirstDue::enter(WallTime due) {
  const std::lock_guard lock(mutex_);
  bound_ = std::min(bound_, due);
  entered_ += due < behind_ ? 1 : 0;
}

WallTime FirstDue::bound() const {
  const std::lock_guard lock(mutex_);
  return bound_;
}

}  // namespace tern::detail::pg
