#pragma once

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace tern::detail {

/// Finds items by a hash that the caller computes. Owns none of them.
///
/// The hash is kept beside the pointer, so growing touches no item, and there are `Parts` tables, so that one grows
/// at a time: with a million items the pause is below a millisecond rather than tens of them.
template <class T, std::size_t Parts = 1>
class HashIndex {
  static_assert(std::has_single_bit(Parts));

 public:
  /// The item with this hash for which `match(item)` is true, or nullptr.
  template <class Match>
  T* find(std::uint64_t hash, Match match) const {
    const auto& table = tables_[part_of(hash)];
    const auto found = table.find(Probe<Match>{hash, match});
    return found == table.end() ? nullptr : found->item;
  }

  /// Preconditions: `item` is not in the index.
  void insert(std::uint64_t hash, T& item) { tables_[part_of(hash)].insert(Entry{hash, &item}); }

  /// True when it was there.
  bool erase(std::uint64_t hash, const T& item) noexcept {
    auto& table = tables_[part_of(hash)];
    const auto same = [&](const T& other) { return &other == &item; };
    const auto found = table.find(Probe<decltype(same)>{hash, same});
    if (found == table.end()) {
      return false;
    }
    table.erase(found);
    return true;
  }

 private:
  struct Entry {
    std::uint64_t hash;
    T* item;
  };
  template <class Match>
  struct Probe {
    std::uint64_t hash;
    const Match& match;
  };
  struct Hash {
    using is_transparent = void;
    template <class Key>
    std::size_t operator()(const Key& key) const noexcept {
      return static_cast<std::size_t>(key.hash);
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Entry& a, const Entry& b) const noexcept { return a.item == b.item; }
    template <class Match>
    bool operator()(const Probe<Match>& probe, const Entry& entry) const {
      return probe.hash == entry.hash && probe.match(*entry.item);
    }
    template <class Match>
    bool operator()(const Entry& entry, const Probe<Match>& probe) const {
      return (*this)(probe, entry);
    }
  };

  static std::size_t part_of(std::uint64_t hash) noexcept {
    if constexpr (Parts == 1) {
      return 0;
    } else {
      return static_cast<std::size_t>(hash >> (64 - std::bit_width(Parts - 1)));
    }
  }

  std::array<boost::unordered_flat_set<Entry, Hash, Equal>, Parts> tables_;
};

}  // namespace tern::detail
