#include "runtime/last_conversations.hpp"

#include <algorithm>
#include <utility>

namespace tern::runtime {

LastConversations::LastConversations(const Clock& clock, std::optional<std::chrono::milliseconds> longest_trust,
                                     std::size_t capacity)
    : clock_(clock), longest_trust_(longest_trust), half_of_part_(std::max<std::size_t>(1, capacity / parts / 2)) {}

const LastConversations::Last* LastConversations::Part::find(std::uint64_t user) const {
  for (const auto* map : {&young, &old}) {
    if (const auto found = map->find(user); found != map->end()) {
      return &found->second;
    }
  }
  return nullptr;
}

bool LastConversations::is_last(std::uint64_t user, const detail::KeyedDigest& conversation) const {
  const auto& part = part_of(user);
  const std::lock_guard lock(part.mutex);
  const auto* last = part.find(user);
  return last != nullptr && last->conversation == conversation && is_trusted(last->since);
}

void LastConversations::note(std::uint64_t user, const detail::KeyedDigest& conversation) {
  const auto since = now();
  auto& part = part_of(user);
  const std::lock_guard lock(part.mutex);
  if (part.young.size() >= half_of_part_) {
    part.old = std::exchange(part.young, Map());
  }
  part.old.erase(user);
  part.young.insert_or_assign(user, Last{conversation, since});
}

void LastConversations::written(std::uint64_t user, const detail::KeyedDigest& conversation) {
  auto& part = part_of(user);
  const std::lock_guard lock(part.mutex);
  const auto* last = part.find(user);
  if (last != nullptr && last->conversation != conversation) {
    part.young.erase(user);
    part.old.erase(user);
  }
}

void LastConversations::forget(std::uint64_t user) {
  auto& part = part_of(user);
  const std::lock_guard lock(part.mutex);
  part.young.erase(user);
  part.old.erase(user);
}

}  // namespace tern::runtime
