#pragma once

#include "runtime/shard.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <vector>

namespace tern::app {

/// What a stop waits for, in its order.
enum class StopPhase {
  asked,  ///< the first shard, which does it
  delay,  ///< `drain.delay`
  turns,
  background,  ///< work of the bot's
  senders,     ///< scheduled sends under way
  answers,     ///< responses under way
  slots,       ///< the schedule's, which are given back
  storage,     ///< its close
  threads,     ///< of the shards
  parts,       ///< destructors of the app's parts, the storage among them
  program      ///< what the program does after the app
};

std::string_view name_of(StopPhase phase) noexcept;

/// How far a stop has come, for a thread that is no part of it to ask. It outlives the app.
///
/// Thread safety: all functions from any thread.
class StopProgress {
 public:
  void enter(StopPhase phase) noexcept { phase_.store(phase, std::memory_order_relaxed); }
  StopPhase phase() const noexcept { return phase_.load(std::memory_order_relaxed); }

  /// Whom `held_shards` asks, until they are given up; they must live until then.
  void watch(runtime::ShardPool& shards);
  void give_up_shards() noexcept;

  /// The shards whose threads do not answer within `patience`: a handler holds them.
  std::vector<std::size_t> held_shards(std::chrono::milliseconds patience);

 private:
  std::atomic<StopPhase> phase_{StopPhase::asked};
  std::mutex mutex_;
  runtime::ShardPool* shards_ = nullptr;
};

}  // namespace tern::app
