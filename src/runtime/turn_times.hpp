#pragma once

#include <tern/async/metrics.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tern::runtime {

/// Histograms of the durations of turns on one shard, by the type of the activity. Strangers choose the types: all
/// types that the protocol does not know count as "other".
///
/// Thread safety: `add` on the shard; `read` from any thread.
class TurnTimes {
 public:
  static constexpr std::array<std::string_view, 17> types{"message",
                                                          "invoke",
                                                          "messageUpdate",
                                                          "messageDelete",
                                                          "messageReaction",
                                                          "conversationUpdate",
                                                          "event",
                                                          "installationUpdate",
                                                          "typing",
                                                          "endOfConversation",
                                                          "contactRelationUpdate",
                                                          "command",
                                                          "commandResult",
                                                          "handoff",
                                                          "trace",
                                                          "continuation",
                                                          "other"};
  static constexpr std::size_t invoke = 1;
  static constexpr std::size_t continuation = types.size() - 2;
  static constexpr std::size_t other = types.size() - 1;
  /// Upper bounds in seconds.
  static constexpr std::array<double, 15> buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                  0.25,   0.5,   1,      2.5,   5,    10,    30};

  /// The index of a type of activity.
  static std::size_t index_of(std::string_view type) noexcept;

  void add(std::size_t type, std::chrono::nanoseconds took) noexcept;
  /// Adds the counts of this shard to `all`.
  void read(std::size_t type, Distribution& all) const;

 private:
  // Only one thread writes, so a load and a store are enough; an atomic addition would cost more.
  struct Times {
    std::array<std::atomic<std::uint64_t>, buckets.size() + 1> counts{};
    std::atomic<double> sum = 0;
  };
  std::array<Times, types.size()> times_;
};

}  // namespace tern::runtime
