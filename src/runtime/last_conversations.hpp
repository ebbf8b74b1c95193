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

/// Remembers in which conversation each user wrote last, so that the store is written only when that changes. All
/// shards use one object, because the conversations of a user are at home on different shards.
///
/// When other processes write to the same store, an entry is trusted for `longest_trust` only: the user may have
/// written to another process meanwhile. After that time the conversation is written again, in the commit of a turn.
/// The memory is bounded: when it is full, the older half is forgotten. That costs a write that was not needed for each
/// forgotten user who writes again.
///
/// Thread safety: all functions from any thread; a call holds one of sixteen locks for some tens of nanoseconds.
class LastConversations {
 public:
  /// Lifetime: the clock outlives it.
  explicit LastConversations(const Clock& clock, std::optional<std::chrono::milliseconds> longest_trust = std::nullopt,
                             std::size_t capacity = 400'000);

  /// Whether the store says that `user` wrote in `conversation` last. `user` is a keyed hash. `conversation` is a
  /// digest of the user and the conversation, so that two users with the same hash are told apart.
  bool is_last(std::uint64_t user, const detail::KeyedDigest& conversation) const;
  /// A write to the store has begun, which says that the user wrote last in this conversation.
  void note(std::uint64_t user, const detail::KeyedDigest& conversation);
  /// The write has succeeded. When the user wrote in another conversation since `note`, the two writes may have reached
  /// the store in any order, so the entry is forgotten.
  void written(std::uint64_t user, const detail::KeyedDigest& conversation);
  /// The write has failed, or somebody else has changed the stored value.
  void forget(std::uint64_t user);

  /// The time to note beside what is known of the store from now on, for `is_trusted`.
  SteadyTime now() const { return longest_trust_ ? clock_.now() : SteadyTime(); }
  /// Whether what was known of the store at `since` still counts.
  bool is_trusted(SteadyTime since) const { return !longest_trust_ || clock_.now() < since + *longest_trust_; }

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
