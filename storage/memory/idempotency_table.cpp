#include "idempotency_table.hpp"

#include "storage/idempotency_age.hpp"

#include <functional>

namespace tern::detail {

IdempotencyTable::Entry* IdempotencyTable::entry_of(std::string_view key) const {
  const auto hash = std::hash<std::string_view>()(key);
  return index_.find(hash, [&](const Entry& candidate) { return candidate.key == key; });
}

const KnownKey* IdempotencyTable::find(std::string_view key, WallTime now) const {
  const auto* entry = entry_of(key);
  return entry == nullptr || is_key_forgotten(entry->came, now) ? nullptr : &entry->first;
}

void IdempotencyTable::forget_oldest() {
  const auto& oldest = oldest_first_.front();
  index_.erase(oldest.hash, oldest);
  oldest_first_.pop_front();
}

void IdempotencyTable::add(std::string key, const KnownKey& first, WallTime now) {
  if (max_keys_ == 0) {
    return;
  }
  // A few for each that comes, since this is under the lock of the whole store.
  for (int i = 0; i < 2 && !oldest_first_.empty() && is_key_forgotten(oldest_first_.front().came, now); ++i) {
    forget_oldest();
  }
  // It may be old and still there. That one keeps its place until it goes, found by nobody: in the place of the old one
  // the new one would go before those that came before it.
  if (auto* entry = entry_of(key)) {
    index_.erase(entry->hash, *entry);
  }
  if (oldest_first_.size() >= max_keys_) {
    forget_oldest();
  }
  const auto hash = std::hash<std::string_view>()(key);
  oldest_first_.push_back(Entry{std::move(key), first, now, hash});
  index_.insert(hash, oldest_first_.back());
}

}  // namespace tern::detail
