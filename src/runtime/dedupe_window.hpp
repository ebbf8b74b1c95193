#pragma once

#include "runtime/turn_request.hpp"

#include <tern/async/clock.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace tern::runtime {

/// Names an activity among all: a hash of bot, channel, conversation and activity id, wide enough not to collide.
struct ActivityKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const ActivityKey&, const ActivityKey&) = default;
};

struct ActivityKeyHash {
  std::size_t operator()(const ActivityKey& key) const noexcept { return key.low; }
};

/// A channel that got no answer sends again: the window remembers what was answered, for successes only, so that a
/// repetition gets the first one's answer instead of a second turn. Bounded in time and bytes; the oldest go first.
///
/// Thread safety: none; one for each shard. Source: design, "Limits and shutdown".
class DedupeWindow {
 public:
  DedupeWindow(Clock& clock, std::size_t max_bytes, std::chrono::milliseconds window);

  /// The answer that a finished first one got.
  const TurnReply* find(const ActivityKey& key);
  void remember(const ActivityKey& key, const TurnReply& reply);

  std::size_t size() const noexcept { return done_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Done {
    unsigned status = 0;
    std::unique_ptr<std::string> body;  // most answers have none
  };
  struct Age {
    ActivityKey key;
    SteadyTime until;
  };

  void forget_old();
  void forget_first();

  Clock& clock_;
  std::size_t max_bytes_;
  std::chrono::milliseconds window_;
  std::size_t bytes_ = 0;
  boost::unordered_flat_map<ActivityKey, Done, ActivityKeyHash> done_;
  std::deque<Age> ages_;
  TurnReply found_;
};

}  // namespace tern::runtime
