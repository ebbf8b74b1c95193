#pragma once

#include "storage/hash_index.hpp"

#include <tern/storage/schedule_types.hpp>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace tern::detail {

/// The sends that idempotency keys stand for. It remembers keys for seven days, and a bounded number of them: of more
/// it forgets the oldest.
///
/// Thread safety: none; the owner's mutex guards it.
class IdempotencyTable {
 public:
  explicit IdempotencyTable(std::uint64_t max_keys) : max_keys_(max_keys) {}

  /// The first handle and its digest; nullptr for a key that was never seen, or was forgotten.
  const KnownKey* find(std::string_view key, WallTime now) const;

  /// Preconditions: `find(key, now)` is nullptr.
  void add(std::string key, const KnownKey& first, WallTime now) { keep({std::move(key), first, now}, now); }
  /// One that came at another time, in place of what is known of it.
  void keep(KeptKey kept, WallTime now);

  /// Up to `limit` keys after `after`, in byte order, and one more if there is one.
  std::vector<KeptKey> list(const KeyQuery& query, WallTime now) const;

 private:
  struct Entry {
    std::string key;
    KnownKey first;
    WallTime came;
    std::uint64_t hash;
  };
  Entry* entry_of(std::string_view key) const;
  void forget_oldest();

  std::uint64_t max_keys_;
  std::deque<Entry> oldest_first_;  // push_back and pop_front leave the other entries where they are
  HashIndex<Entry, 64> index_;
};

}  // namespace tern::detail
