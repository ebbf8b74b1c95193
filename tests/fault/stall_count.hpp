#pragma once

#include "runtime/shard.hpp"
#include "runtime/stall_watchdog.hpp"

#include <tern/async/metrics.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace tern::fault {

/// What the watchdog of one shard counts, without what the machine is to blame for. Tests run beside others, and a
/// shard also looks as if a handler held it when its thread is ready and gets no core, or waits for a lock whose holder
/// gets none. So a stall is excused while the threads of this process had to wait for cores. While a server is away or
/// silent they hardly do, and that is when a store may block.
class StallCount {
 public:
  /// Preconditions: one shard, started, that outlives this.
  explicit StallCount(runtime::ShardPool& shards);
  ~StallCount();
  StallCount(const StallCount&) = delete;
  StallCount& operator=(const StallCount&) = delete;

  std::uint64_t stalls() const noexcept { return counted_.load(); }
  std::uint64_t excused() const noexcept { return excused_.load(); }

 private:
  void sample();

  Metrics metrics_;
  runtime::StallWatchdog watchdog_;
  std::atomic<std::uint64_t> counted_ = 0;
  std::atomic<std::uint64_t> excused_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;  ///< guarded by `mutex_`
  std::thread thread_;
};

}  // namespace tern::fault
