#pragma once

#include "runtime/activity_key.hpp"
#include "runtime/answer_ring.hpp"
#include "runtime/probed_table.hpp"
#include "runtime/turn_request.hpp"

#include <tern/async/clock.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tern::runtime {

/// Remembers the answers of turns. A channel that got no answer sends its activity again; that repetition gets the
/// answer of the first delivery instead of a second turn. Only successes are remembered, and every answer to a token
/// exchange. The window is bounded in time and in bytes; the oldest answers are forgotten first.
///
/// A busy conversation does not push out the answers of others. When its answers take a 64th of the window, its next
/// answers go to the busy part, a quarter of the window, and push out only each other. Answers larger than a 64th of
/// the window go there as well. Each part may use bytes that the other leaves free, until the other needs them. An
/// answer larger than the busy part is remembered only while there is room for it.
///
/// An answer is found by the hash of its key. The whole key is kept beside it and compared, so that another key with
/// the same hash does not get this answer.
///
/// Each call gets the time, which a turn has read anyway. It is never less than the time of the call before.
/// Thread safety: none; each shard has its own. Source: docs/architecture.md, "How a message flows".
class DedupeWindow {
 public:
  static constexpr std::size_t conversation_part = 64;  ///< a 64th of the window is a conversation's own
  static constexpr std::size_t busy_part = 4;           ///< a quarter of the window is the busy part

  DedupeWindow(std::size_t max_bytes, std::chrono::milliseconds window);

  /// A key that outlives its activity.
  struct WrittenKey {
    std::uint64_t hash = 0;
    std::uint64_t conversation = 0;  ///< the hash of the conversation's key
    std::string_view text;           ///< `ActivityKey::text`
  };

  /// Begins to load the memory that `find` and `remember` need into the cache of the processor.
  void fetch(const ActivityKey& key) const noexcept;
  /// The answer of the first delivery, once its turn has ended. Lifetime: until the next call.
  const TurnReply* find(const ActivityKey& key, SteadyTime now);
  const TurnReply* find(const WrittenKey& key, SteadyTime now);
  void remember(const ActivityKey& key, const TurnReply& reply, SteadyTime now);
  void remember(const WrittenKey& key, const TurnReply& reply, SteadyTime now);

  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return usual_.bytes + busy_.bytes; }

 private:
  struct Part {
    explicit Part(std::size_t block) noexcept : answers(block) {}
    AnswerRing answers;
    std::size_t bytes = 0;
  };
  struct Found {
    std::uint64_t hash = 0;
    KeptAnswer* answer = nullptr;
    bool empty() const noexcept { return answer == nullptr; }
  };
  struct Taken {
    std::uint64_t hash = 0;  // of a conversation
    std::size_t bytes = 0;
    bool empty() const noexcept { return bytes == 0; }
  };
  /// Many small tables instead of a large one, because a table moves all its entries when it grows: half a million
  /// entries blocked the shard for 20 ms.
  template <class Entry>
  struct Tables {
    ProbedTable<Entry>& of(std::uint64_t hash) noexcept { return parts[hash >> 56]; }
    const ProbedTable<Entry>& of(std::uint64_t hash) const noexcept { return parts[hash >> 56]; }
    std::array<ProbedTable<Entry>, 256> parts;
  };

  template <class Match>
  KeptAnswer* lookup(std::uint64_t hash, const Match& match);
  void forget(const KeptAnswer& answer) noexcept;
  const TurnReply* answer_of(const KeptAnswer* found, SteadyTime now);
  Part& part_for(std::uint64_t conversation, std::size_t cost);
  bool make_room(const Part& part, std::size_t cost);
  void forget_old(SteadyTime now);
  void forget_oldest(Part& part);
  Taken* taken_by(std::uint64_t conversation) noexcept;
  void take(std::uint64_t conversation, std::size_t bytes);
  void give_back(std::uint64_t conversation, std::size_t bytes) noexcept;

  std::size_t max_bytes_;
  std::chrono::milliseconds window_;
  std::size_t size_ = 0;
  Part usual_;
  Part busy_;  // for conversations that have used up their own part
  Tables<Found> done_;
  Tables<Taken> taken_;  // bytes in `usual_`, by conversation
  TurnReply found_;
};

}  // namespace tern::runtime
