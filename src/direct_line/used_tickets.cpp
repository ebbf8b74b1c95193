#include "direct_line/used_tickets.hpp"

#include <utility>

namespace tern::direct_line {

UsedTickets::Use UsedTickets::use(std::string id, const std::string& conversation, SteadyTime now,
                                  SteadyTime::duration lifetime) {
  const std::lock_guard lock(mutex_);
  while (!until_.empty() && until_.front().until <= now) {
    const auto& old = until_.front();
    used_.erase(old.id);
    if (const auto count = of_conversation_.find(old.conversation); --count->second == 0) {
      of_conversation_.erase(count);
    }
    until_.pop_front();
  }
  if (used_.contains(id)) {
    return Use::again;
  }
  if (used_.size() >= limit_) {
    return Use::full;
  }
  if (const auto count = of_conversation_.find(conversation);
      count != of_conversation_.end() && count->second >= limit_of_one_) {
    return Use::many;
  }
  ++of_conversation_[conversation];
  used_.insert(id);
  until_.push_back({now + lifetime, std::move(id), conversation});
  return Use::first;
}

}  // namespace tern::direct_line
