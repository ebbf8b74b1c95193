#include "runtime/stall_watchdog.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/post.hpp>

namespace tern::runtime {

namespace {

constexpr std::chrono::milliseconds interval{10};

}  // namespace

StallWatchdog::StallWatchdog(ShardPool& shards, Metrics& metrics)
    : shards_(shards),
      counter_(metrics.counter("tern_shard_stalls_total", "Handlers that held a shard longer than 20 ms.")) {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    probes_.push_back(std::make_shared<Probe>());
  }
  thread_ = std::thread([this] { watch(); });
}

StallWatchdog::~StallWatchdog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void StallWatchdog::watch() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, interval, [this] { return stop_; })) {
    for (std::size_t i = 0; i < probes_.size(); ++i) {
      look_at(i);
    }
  }
}

void StallWatchdog::look_at(std::size_t index) {
  auto& probe = probes_[index];
  const auto now = std::chrono::steady_clock::now();
  if (probe->answered.load(std::memory_order_acquire)) {
    probe->asked = now;
    probe->counted = false;
    probe->answered.store(false, std::memory_order_relaxed);
    asio::post(shards_[index].io(), [probe] { probe->answered.store(true, std::memory_order_release); });
    return;
  }
  if (!probe->counted && now - probe->asked > threshold) {
    probe->counted = true;
    stalls_.fetch_add(1, std::memory_order_relaxed);
    counter_.inc();
    log::warn(
        "a shard does not get on: a handler holds it (tern::offload is for blocking work), or the machine is "
        "overloaded",
        {{"shard", index}});
  }
}

}  // namespace tern::runtime
