#include "idempotency_table.hpp"

#include "async/keyed_hash.hpp"
#include "storage/idempotency_age.hpp"

#include <algorithm>

namespace tern::detail {

IdempotencyTable::Entry* IdempotencyTable::entry_of(std::string_view key) const {
  const auto hash = keyed_hash(key);
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

std::vector<KeptKey> IdempotencyTable::list(const KeyQuery& query, WallTime now) const {
  std::vector<const Entry*> found;
  for (const auto& entry : oldest_first_) {
    // An entry whose key came again is still there.
    if (entry.key > query.after && !is_key_forgotten(entry.came, now) && entry_of(entry.key) == &entry) {
      found.push_back(&entry);
    }
  }
  const auto count = std::min(found.size(), query.limit + 1);
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(),
                    [](const Entry* a, const Entry* b) { return a->key < b->key; });
  std::vector<KeptKey> keys;
  keys.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    keys.push_back({found[i]->key, found[i]->first, found[i]->came});
  }
  return keys;
}

void IdempotencyTable::keep(KeptKey kept, WallTime now) {
  if (max_keys_ == 0) {
    return;
  }
  // A few for each that comes, since this is under the lock of the whole store.
  for (int i = 0; i < 2 && !oldest_first_.empty() && is_key_forgotten(oldest_first_.front().came, now); ++i) {
    forget_oldest();
  }
  // It may be old and still there. That one keeps its place until it goes, found by nobody: in the place of the old one
  // the new one would go before those that came before it.
  if (auto* entry = entry_of(kept.key)) {
    index_.erase(entry->hash, *entry);
  }
  if (oldest_first_.size() >= max_keys_) {
    forget_oldest();
  }
  const auto hash = keyed_hash(kept.key);
  oldest_first_.push_back(Entry{std::move(kept.key), kept.known, kept.came, hash});
  index_.insert(hash, oldest_first_.back());
}

}  // namespace tern::detail
