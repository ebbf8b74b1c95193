#include "dead_table.hpp"

#include <utility>

namespace tern::detail {

void DeadTable::add(const PackedSend& send, std::string reason, WallTime now) {
  if (most_ == 0) {
    return;
  }
  const auto added = in_order_.emplace_hint(in_order_.end(), ++last_, DeadRecord{send, std::move(reason), now});
  const auto [place, is_new] = by_id_.try_emplace(key_of(send.handle()), added);
  if (!is_new) {  // an id that was used twice: left in the order, the first record would later take the second's place
    in_order_.erase(std::exchange(place->second, added));
  }
  if (in_order_.size() > most_) {
    by_id_.erase(key_of(in_order_.begin()->second.send.handle()));
    in_order_.erase(in_order_.begin());
  }
}

DeadRecord* DeadTable::find(const SendHandle& handle) {
  const auto found = by_id_.find(key_of(handle));
  const bool is_kept = found != by_id_.end() && found->second->second.send.slot == handle.slot;
  return is_kept ? &found->second->second : nullptr;
}

void DeadTable::erase(const DeadRecord& dead) {
  const auto found = by_id_.find(key_of(dead.send.handle()));
  in_order_.erase(found->second);
  by_id_.erase(found);
}

bool DeadTable::list(const DeadQuery& query, std::uint64_t after, std::vector<DeadRecord>& found,
                     std::uint64_t& last) const {
  for (auto at = in_order_.upper_bound(after); at != in_order_.end(); ++at) {
    if (query.order_key && at->second.send.order_key() != *query.order_key) {
      continue;
    }
    if (found.size() == query.limit) {
      return true;
    }
    found.push_back(at->second);
    last = at->first;
  }
  return false;
}

}  // namespace tern::detail
