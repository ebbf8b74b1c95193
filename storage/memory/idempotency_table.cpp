#include "idempotency_table.hpp"

#include <functional>

namespace tern::detail {

const SendHandle* IdempotencyTable::find(std::string_view key) const {
  const auto hash = std::hash<std::string_view>()(key);
  const auto* entry = index_.find(hash, [&](const Entry& candidate) { return candidate.key == key; });
  return entry == nullptr ? nullptr : &entry->handle;
}

void IdempotencyTable::add(std::string key, const SendHandle& handle) {
  if (max_keys_ == 0) {
    return;
  }
  if (oldest_first_.size() >= max_keys_) {
    const auto& oldest = oldest_first_.front();
    index_.erase(oldest.hash, oldest);
    oldest_first_.pop_front();
  }
  const auto hash = std::hash<std::string_view>()(key);
  oldest_first_.push_back(Entry{std::move(key), handle, hash});
  index_.insert(hash, oldest_first_.back());
}

}  // namespace tern::detail
