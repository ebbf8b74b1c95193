#include "direct_line/used_tickets.hpp"

namespace tern::direct_line {

UsedTickets::Use UsedTickets::use(std::string id, SteadyTime now, SteadyTime::duration lifetime) {
  const std::lock_guard lock(mutex_);
  while (!until_.empty() && until_.front().first <= now) {
    used_.erase(until_.front().second);
    until_.pop_front();
  }
  if (used_.contains(id)) {
    return Use::again;
  }
  if (used_.size() >= limit_) {
    return Use::full;
  }
  used_.insert(id);
  until_.emplace_back(now + lifetime, std::move(id));
  return Use::first;
}

}  // namespace tern::direct_line
