#pragma once

#include "runtime/activity_key.hpp"
#include "runtime/answer_ring.hpp"
#include "runtime/turn_request.hpp"
#include "storage/hash_index.hpp"

#include <tern/async/clock.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tern::runtime {

/// A channel that got no answer sends again: the window remembers what was answered, for successes only (and what a bot
/// answers to a token exchange), so that a repetition gets the first one's answer instead of a second turn. Bounded in
/// time and bytes; the oldest go first.
///
/// No conversation pushes out what others have: once its answers take a 64th of the window, the next ones go to a part
/// that is kept for such, a quarter of the window, and push out each other. What one of the two parts leaves free the
/// other may use until it is wanted. So are answers of more than a 64th; one of more than a quarter is remembered only
/// while there is room for it.
///
/// An answer is found by the hash of its key and is the right one when the whole key is equal, which therefore stands
/// beside it.
///
/// Thread safety: none; one for each shard. Source: design, "Limits and shutdown".
class DedupeWindow {
 public:
  static constexpr std::size_t shares = 64;    ///< a conversation's is one of so many
  static constexpr std::size_t busy_part = 4;  ///< and the part of those that want more

  DedupeWindow(Clock& clock, std::size_t max_bytes, std::chrono::milliseconds window);

  /// A key whose activity has gone.
  struct WrittenKey {
    std::uint64_t hash = 0;
    std::uint64_t conversation = 0;  ///< the hash of its key
    std::string_view text;           ///< `ActivityKey::text`
  };

  /// The answer that a finished first one got. Lifetime: until the next call.
  const TurnReply* find(const ActivityKey& key);
  const TurnReply* find(const WrittenKey& key);
  void remember(const ActivityKey& key, const TurnReply& reply);
  void remember(const WrittenKey& key, const TurnReply& reply);

  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return usual_.bytes + busy_.bytes; }

 private:
  struct Part {
    explicit Part(std::size_t block) noexcept : answers(block) {}
    AnswerRing answers;
    std::size_t bytes = 0;
  };
  /// In parts, because a map that grows moves all that it holds: half a million entries held the shard for 20 ms.
  using Index = detail::HashIndex<KeptAnswer, 256>;
  using Taken = boost::unordered_flat_map<std::uint64_t, std::size_t>;

  template <class Match>
  KeptAnswer* lookup(std::uint64_t hash, const Match& match);
  template <class Match, class Write>
  void remember_as(std::uint64_t hash, std::uint64_t conversation, std::size_t key_bytes, const Match& match,
                   const Write& write, const TurnReply& reply);
  const TurnReply* answer_of(const KeptAnswer* found, SteadyTime now);
  Part& part_for(std::uint64_t conversation, std::size_t cost);
  bool make_room(const Part& part, std::size_t cost);
  /// The time by which it has gone.
  SteadyTime forget_old();
  void forget_oldest(Part& part);
  void give_back(std::uint64_t conversation, std::size_t bytes) noexcept;
  Taken& taken_of(std::uint64_t conversation) noexcept { return taken_[conversation % taken_.size()]; }

  Clock& clock_;
  std::size_t max_bytes_;
  std::chrono::milliseconds window_;
  std::size_t size_ = 0;
  Part usual_;
  Part busy_;  // of conversations that have used up their share
  Index done_;
  std::array<Taken, 64> taken_;  // bytes in `usual_`, by conversation
  TurnReply found_;
};

}  // namespace tern::runtime
