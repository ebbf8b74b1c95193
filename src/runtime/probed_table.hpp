#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace tern::runtime {

/// A hash table with linear probing, for hashes that spread evenly, as keyed hashes do. An entry is stored in the first
/// free cell from its home on; its hash says which cell is its home. A lookup touches one line of the processor's cache
/// nearly always, and that line can be fetched ahead. Boost's flat tables touch two lines, one for a byte of each hash
/// and one for the entry: with the two tables of the dedupe window, that was 3 % of an empty turn.
///
/// `Entry`: small, with a `hash`; `empty()` is true for `Entry()` and false for every inserted entry. Several entries
/// may have the same hash.
/// Thread safety: none.
template <class Entry>
class ProbedTable {
 public:
  std::size_t size() const noexcept { return size_; }

  /// Begins to load the memory that `find` needs into the cache of the processor.
  void fetch(std::uint64_t hash) const noexcept {
    if (capacity_ > 0) {
      __builtin_prefetch(&cells_[home_of(hash)]);
    }
  }

  /// The entry with this hash for which `match(entry)` is true, or nullptr. Lifetime: until the next change.
  template <class Match>
  Entry* find(std::uint64_t hash, const Match& match) const {
    if (capacity_ == 0) {
      return nullptr;
    }
    for (auto at = home_of(hash); !cells_[at].empty(); at = after(at)) {
      if (cells_[at].hash == hash && match(std::as_const(cells_[at]))) {
        return &cells_[at];
      }
    }
    return nullptr;
  }

  /// Preconditions: `entry` is not empty.
  /// Errors: `std::bad_alloc`; the table is unchanged then.
  void insert(const Entry& entry) {
    if (size_ + 1 > capacity_ / 4 * 3) {
      grow();
    }
    put(entry);
    ++size_;
  }

  /// Preconditions: `find` has returned `entry` since the last change.
  void erase(Entry& entry) noexcept {
    auto hole = static_cast<std::size_t>(&entry - cells_.get());
    // Each entry behind the hole moves into it, unless the hole lies before the entry's home.
    for (auto at = after(hole); !cells_[at].empty(); at = after(at)) {
      if (distance(home_of(cells_[at].hash), at) >= distance(hole, at)) {
        cells_[hole] = cells_[at];
        hole = at;
      }
    }
    cells_[hole] = Entry();
    --size_;
  }

 private:
  static constexpr std::size_t least = 16;

  std::size_t home_of(std::uint64_t hash) const noexcept { return hash & (capacity_ - 1); }
  std::size_t after(std::size_t at) const noexcept { return (at + 1) & (capacity_ - 1); }
  std::size_t distance(std::size_t from, std::size_t to) const noexcept { return (to - from) & (capacity_ - 1); }

  void put(const Entry& entry) noexcept {
    auto at = home_of(entry.hash);
    while (!cells_[at].empty()) {
      at = after(at);
    }
    cells_[at] = entry;
  }

  void grow() {
    const auto before = capacity_;
    const auto now = before == 0 ? least : 2 * before;
    const auto old = std::exchange(cells_, std::make_unique<Entry[]>(now));
    capacity_ = now;
    for (std::size_t at = 0; at < before; ++at) {
      if (!old[at].empty()) {
        put(old[at]);
      }
    }
  }

  std::unique_ptr<Entry[]> cells_;
  std::size_t capacity_ = 0;  // a power of two, or 0
  std::size_t size_ = 0;
};

}  // namespace tern::runtime
