#pragma once

#include "runtime/shard.hpp"

#include <tern/async/metrics.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tern::runtime {

/// Counts handlers that hold a shard longer than 20 ms. A thread of its own asks each shard for a sign of life every
/// 10 ms; one that does not come in time is a stall, counted once however long it lasts.
class StallWatchdog {
 public:
  static constexpr std::chrono::milliseconds threshold{20};

  StallWatchdog(ShardPool& shards, Metrics& metrics);
  /// Stops; the shards must still exist.
  ~StallWatchdog();
  StallWatchdog(const StallWatchdog&) = delete;
  StallWatchdog& operator=(const StallWatchdog&) = delete;

  std::uint64_t stalls() const noexcept { return stalls_.load(std::memory_order_relaxed); }

 private:
  struct Probe {
    std::atomic<bool> answered{true};
    std::chrono::steady_clock::time_point asked{};
    bool counted = false;
  };

  void watch();
  void look_at(std::size_t index);

  ShardPool& shards_;
  Counter counter_;
  std::vector<std::shared_ptr<Probe>> probes_;
  std::atomic<std::uint64_t> stalls_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tern::runtime
