#include "fault/stall_count.hpp"

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace tern::fault {

namespace {

using namespace std::chrono_literals;

constexpr auto interval = 10ms;
constexpr std::size_t samples = 6;  // 50 ms: the watchdog notices a stall 20 to 30 ms after it began
constexpr auto excuse = runtime::StallWatchdog::threshold / 2;

/// For how long each thread of this process has been ready while others ran.
using Waited = std::map<std::string, std::chrono::nanoseconds>;

// The second number of the kernel's file. A kernel that keeps none excuses nothing.
Waited waited_for_a_core() {
  Waited all;
  std::error_code ended;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ended)) {
    std::ifstream file(thread.path() / "schedstat");
    std::int64_t ran = 0;
    std::int64_t waited = 0;
    if (file >> ran >> waited) {
      all[thread.path().filename()] = std::chrono::nanoseconds(waited);
    }
  }
  return all;
}

// All threads together: each may have waited for the next.
bool machine_was_busy(const Waited& before, const Waited& after) {
  std::chrono::nanoseconds all{0};
  for (const auto& [thread, waited] : after) {
    const auto earlier = before.find(thread);
    all += earlier != before.end() ? waited - earlier->second : std::chrono::nanoseconds(0);
  }
  return all >= excuse;
}

}  // namespace

StallCount::StallCount(runtime::ShardPool& shards) : watchdog_(shards, metrics_), thread_([this] { sample(); }) {}

StallCount::~StallCount() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void StallCount::sample() {
  std::deque<Waited> window;
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  do {
    window.push_back(waited_for_a_core());
    if (window.size() > samples) {
      window.pop_front();
    }
    if (const auto stalls = watchdog_.stalls(); stalls > seen) {
      auto& kind = machine_was_busy(window.front(), window.back()) ? excused_ : counted_;
      kind += stalls - seen;
      seen = stalls;
    }
  } while (!wake_.wait_for(lock, interval, [this] { return stop_; }));
}

}  // namespace tern::fault
