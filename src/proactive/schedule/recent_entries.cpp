#include "proactive/schedule/recent_entries.hpp"

#include <cstring>
#include <utility>

namespace tern::proactive {

// An id is random already.
std::size_t RecentEntries::Hash::operator()(const Name& name) const noexcept {
  std::size_t bits = 0;
  std::memcpy(&bits, name.id.data(), sizeof bits);
  return bits ^ name.generation;
}

void RecentEntries::add(const DueEntry& entry, SteadyTime now) {
  const auto since = now - young_since_;
  if (since >= 2 * kept) {
    young_ = Names();
    old_ = Names();
    young_since_ = now;
  } else if (since >= kept) {
    old_ = std::exchange(young_, Names());
    young_since_ += kept;  // not `now`: the old would stay for as much longer as this came late
  }
  young_.try_emplace(name_of(entry), false);
}

bool RecentEntries::came_again(const DueEntry& entry) noexcept {
  for (auto* names : {&young_, &old_}) {
    if (const auto found = names->find(name_of(entry)); found != names->end()) {
      found->second = true;
      return true;
    }
  }
  return false;
}

bool RecentEntries::forget(const DueEntry& entry) noexcept {
  bool again = false;
  for (auto* names : {&young_, &old_}) {
    if (const auto found = names->find(name_of(entry)); found != names->end()) {
      again = again || found->second;
      names->erase(found);
    }
  }
  return again;
}

}  // namespace tern::proactive
