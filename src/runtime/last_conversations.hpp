#pragma once

#include "async/keyed_hash.hpp"

#include <tern/async/clock.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

namespace tern::runtime {

/// Remembers in which conversation each user wrote last, so that it is stored only when that changes. A user's
/// conversations are at home on different shards, so that one of these serves all of them.
///
/// Where other processes write to the same store what is remembered here holds for `longest_trust` only, because the
/// user may have written to another of them meanwhile; then it is written again, in the commit of a turn. Bounded: the
/// older half is forgotten, which costs a write that was not needed.
///
/// Thread safety: all of it; a call holds one of sixteen locks for some tens of nanoseconds.
class LastConversations {
 public:
  /// Lifetime: the clock outlives it.
  explicit LastConversations(const Clock& clock, std::optional<std::chrono::milliseconds> longest_trust = std::nullopt,
                             std::size_t capacity = 400'000);

  /// Whether it is stored that `user` wrote in `conversation` last. `user` is a keyed hash, and `conversation` a digest
  /// of user and conversation, so that two users whose hashes are equal are told apart.
  bool is_last(std::uint64_t user, const detail::KeyedDigest& conversation) const;
  /// It is being stored.
  void note(std::uint64_t user, const detail::KeyedDigest& conversation);
  /// It was stored. When the user has written elsewhere since, nobody knows what stands in the store: it is forgotten.
  void written(std::uint64_t user, const detail::KeyedDigest& conversation);
  /// It was not stored, or somebody else has changed it.
  void forget(std::uint64_t user);

 private:
  struct Last {
    detail::KeyedDigest conversation;
    SteadyTime since{};
  };
  using Map = boost::unordered_flat_map<std::uint64_t, Last>;
  struct Part {
    mutable std::mutex mutex;
    Map young;
    Map old;

    const Last* find(std::uint64_t user) const;
  };
  Part& part_of(std::uint64_t user) noexcept { return parts_[user % parts_.size()]; }
  const Part& part_of(std::uint64_t user) const noexcept { return parts_[user % parts_.size()]; }

  const Clock& clock_;
  const std::optional<std::chrono::milliseconds> longest_trust_;
  static constexpr std::size_t parts = 16;
  const std::size_t half_of_part_;
  std::array<Part, parts> parts_;
};

}  // namespace tern::runtime
