#pragma once

#include "runtime/held_time.hpp"
#include "runtime/shard.hpp"

#include <tern/async/metrics.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace tern::runtime {

/// Counts handlers that hold a shard for longer than 20 ms (a stall). A thread of its own posts a sign of life to each
/// shard every 10 ms. When the sign is not answered, although the shard's thread ran or was blocked for 20 ms, that is
/// a stall. Each stall is counted once. The log tells of it when it is over, and also when it has lasted for a second.
class StallWatchdog {
 public:
  static constexpr std::chrono::milliseconds threshold{20};

  StallWatchdog(ShardPool& shards, Metrics& metrics);
  /// Stops the thread; the shards must still exist.
  ~StallWatchdog();
  StallWatchdog(const StallWatchdog&) = delete;
  StallWatchdog& operator=(const StallWatchdog&) = delete;

  std::uint64_t stalls() const noexcept { return stalls_.load(std::memory_order_relaxed); }

 private:
  /// A sign of life, shared with the handler that is posted to the shard.
  struct Sign {
    std::atomic<bool> answered{true};
    SteadyTime when{};  ///< the time of the answer; read after `answered`
  };
  struct Probe {
    std::shared_ptr<Sign> sign = std::make_shared<Sign>();
    HeldTime held;
    bool counted = false;
    bool told = false;
    std::optional<detail::Running::Name> name;
  };

  void watch();
  void look_at(std::size_t index);
  void ask(std::size_t index);
  void look_at_held(std::size_t index);

  ShardPool& shards_;
  Counter counter_;
  std::vector<Probe> probes_;
  std::atomic<std::uint64_t> stalls_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tern::runtime
