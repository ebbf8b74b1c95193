#pragma once

#include "runtime/shard.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <vector>

namespace tern::app {

/// The phases of a stop, in their order, named for the thing that the stop waits for.
enum class StopPhase {
  asked,  ///< the first shard, which does the stop
  delay,  ///< `drain.delay`
  turns,
  background,  ///< the bot's background work
  senders,     ///< scheduled sends under way
  answers,     ///< responses under way
  slots,       ///< the slots of the schedule, which are given back
  storage,     ///< the closing of the storage
  threads,     ///< the threads of the shards
  parts,       ///< the destructors of the app's parts, such as the storage
  program      ///< the rest of the program
};

std::string_view name_of(StopPhase phase) noexcept;

/// The phase of a stop, for the watchdog's thread. It outlives the app.
///
/// Thread safety: all functions from any thread.
class StopProgress {
 public:
  void enter(StopPhase phase) noexcept { phase_.store(phase, std::memory_order_relaxed); }
  StopPhase phase() const noexcept { return phase_.load(std::memory_order_relaxed); }

  /// Sets the shards that `held_shards` asks. They must exist until `give_up_shards`.
  void watch(runtime::ShardPool& shards);
  void give_up_shards() noexcept;

  /// The shards whose threads do not answer within `patience`, because a handler holds them.
  std::vector<std::size_t> held_shards(std::chrono::milliseconds patience);

 private:
  std::atomic<StopPhase> phase_{StopPhase::asked};
  std::mutex mutex_;
  runtime::ShardPool* shards_ = nullptr;
};

}  // namespace tern::app
