#pragma once

#include "runtime/turn_request.hpp"

#include <tern/async/clock.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

namespace tern::runtime {

/// Names an activity among all: a hash of bot, channel, conversation and what makes it the same activity
/// (`SameActivity`), wide enough not to collide.
struct ActivityKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const ActivityKey&, const ActivityKey&) = default;
};

struct ActivityKeyHash {
  std::size_t operator()(const ActivityKey& key) const noexcept { return key.low; }
};

/// A channel that got no answer sends again: the window remembers what was answered, for successes only (and what a bot
/// answers to a token exchange), so that a repetition gets the first one's answer instead of a second turn. Bounded in
/// time and bytes; the oldest go first.
///
/// Answers are written one after the other into blocks that are used again. With an allocation for each, the window
/// was the one thing that grew under load, and growing a thread's heap costs a system call for every 4 KiB. A block is
/// given up once its last answer is forgotten, so each block in use holds the answer that is forgotten next in it.
/// An answer that does not fit into the rest of a block begins the next one: the blocks take up to twice `max_bytes`.
///
/// Thread safety: none; one for each shard. Source: design, "Limits and shutdown".
class DedupeWindow {
 public:
  DedupeWindow(Clock& clock, std::size_t max_bytes, std::chrono::milliseconds window);

  /// The answer that a finished first one got.
  const TurnReply* find(const ActivityKey& key);
  void remember(const ActivityKey& key, const TurnReply& reply);

  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  /// Stands in a block before the bytes of the answer's body.
  struct Record {
    ActivityKey key;
    SteadyTime until;
    std::uint32_t status;
    std::uint32_t body_bytes;
    char* body() noexcept { return reinterpret_cast<char*>(this + 1); }
  };
  struct Block {
    explicit Block(std::size_t bytes);
    std::unique_ptr<std::byte[]> memory;
    std::size_t size;
    std::size_t used = 0;
    std::size_t read = 0;  // where its oldest answer stands; less than `used`
  };

  using Index = boost::unordered_flat_map<ActivityKey, Record*, ActivityKeyHash>;

  Index& index_of(const ActivityKey& key) noexcept { return done_[key.high % done_.size()]; }
  static std::size_t record_bytes(std::size_t body_bytes) noexcept;
  void* reserve(std::size_t bytes);
  Record* oldest() noexcept;
  /// The time by which it has gone.
  SteadyTime forget_old();
  void forget_oldest();
  void leave_block();

  Clock& clock_;
  std::size_t max_bytes_;
  std::chrono::milliseconds window_;
  std::size_t bytes_ = 0;
  std::size_t size_ = 0;
  /// In parts, because a map that grows moves all that it holds: half a million entries held the shard for 20 ms.
  std::array<Index, 256> done_;
  std::deque<Block> blocks_;    // the oldest answer first; none is empty
  std::optional<Block> spare_;  // emptied last, for the next one
  TurnReply found_;
};

}  // namespace tern::runtime
