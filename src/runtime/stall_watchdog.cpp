#include "runtime/stall_watchdog.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/post.hpp>

#include <pthread.h>

#include <ctime>
#include <fstream>
#include <string>
#include <string_view>

namespace tern::runtime {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds interval{10};
constexpr std::chrono::seconds long_stall{1};

nanoseconds time_run(const Shard::Thread& thread) {
  clockid_t clock{};
  timespec ran{};
  if (::pthread_getcpuclockid(thread.handle, &clock) != 0 || ::clock_gettime(clock, &ran) != 0) {
    return nanoseconds(0);
  }
  return std::chrono::seconds(ran.tv_sec) + nanoseconds(ran.tv_nsec);
}

// The state is the letter behind the program's name, which stands in parentheses and may itself contain parentheses.
// Source: proc(5), /proc/PID/stat.
bool is_blocked(const std::string& folder) {
  std::ifstream file(folder + "stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(") ");
  return name_end != std::string::npos && std::string_view("SD").find(line[name_end + 2]) != std::string_view::npos;
}

ThreadTimes times_of(const Shard::Thread& thread) {
  const auto folder = "/proc/self/task/" + std::to_string(thread.id) + "/";
  ThreadTimes times;
  times.ran = time_run(thread);
  times.blocked = is_blocked(folder);
  std::ifstream file(folder + "schedstat");
  std::int64_t ran = 0;
  std::int64_t waited = 0;
  if (file >> ran >> waited && ran > 0) {
    times.waited = nanoseconds(waited);
  }
  return times;
}

void tell(const char* what, std::size_t shard, nanoseconds held, const std::optional<detail::Running::Name>& name) {
  const auto held_ms = std::chrono::duration_cast<milliseconds>(held).count();
  if (!name) {
    log::warn(what, {{"shard", shard}, {"held_ms", held_ms}});
    return;
  }
  log::warn(what, {{"shard", shard},
                   {"held_ms", held_ms},
                   {"channel", name->channel},
                   {"conversation", name->conversation},
                   {"type", name->type}});
}

}  // namespace

StallWatchdog::StallWatchdog(ShardPool& shards, Metrics& metrics)
    : shards_(shards),
      counter_(metrics.counter("tern_shard_stalls_total", "Handlers that held a shard longer than 20 ms.")),
      probes_(shards.size()) {
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
  if (!probe.sign->answered.load(std::memory_order_acquire)) {
    look_at_held(index);
    return;
  }
  if (probe.counted) {
    tell("a handler held a shard, and nothing else there got on meanwhile (tern::offload is for blocking work)", index,
         probe.held.end(probe.sign->when), probe.name);
  }
  ask(index);
}

void StallWatchdog::ask(std::size_t index) {
  auto& probe = probes_[index];
  probe.counted = false;
  probe.told = false;
  probe.name.reset();
  nanoseconds ran{0};
  if (!shards_[index].look_at_thread([&ran](const Shard::Thread& thread) { ran = time_run(thread); })) {
    return;  // the shard has ended
  }
  probe.held.begin(std::chrono::steady_clock::now(), ran);
  probe.sign->answered.store(false, std::memory_order_relaxed);
  asio::post(shards_[index].io(), [sign = probe.sign] {
    sign->when = std::chrono::steady_clock::now();
    sign->answered.store(true, std::memory_order_release);
  });
}

void StallWatchdog::look_at_held(std::size_t index) {
  auto& probe = probes_[index];
  const auto now = std::chrono::steady_clock::now();
  nanoseconds held{0};
  const bool runs = shards_[index].look_at_thread([&](const Shard::Thread& thread) {
    held = probe.held.look(now, times_of(thread));
    if (held > threshold && !probe.name) {
      probe.name = thread.running.ask();
    }
  });
  // A thread that has answered meanwhile may sleep by now, which is what a blocked one does.
  if (!runs || held <= threshold || probe.sign->answered.load(std::memory_order_acquire)) {
    return;
  }
  if (!std::exchange(probe.counted, true)) {
    stalls_.fetch_add(1, std::memory_order_relaxed);
    counter_.inc();
  }
  if (held > long_stall && !std::exchange(probe.told, true)) {
    tell("a handler holds a shard, and nothing else there gets on (tern::offload is for blocking work)", index, held,
         probe.name);
  }
}

}  // namespace tern::runtime
