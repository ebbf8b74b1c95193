#pragma once

#include <tern/async/clock.hpp>
#include <tern/async/log.hpp>

#include <atomic>
#include <chrono>

namespace tern::detail {

/// How loud the log is about what strangers can cause again and again: a warning for the first time within a minute,
/// and a line at level debug for the others. So nobody fills the log, and nothing is hidden from it.
///
/// Thread safety: all functions from any thread.
class LogPace {
 public:
  /// The level of an event that happens now.
  log::Level level(SteadyTime now) noexcept {
    constexpr std::chrono::minutes pause{1};
    auto next = next_.load(std::memory_order_relaxed);
    const bool warns = now >= next && next_.compare_exchange_strong(next, now + pause);
    return warns ? log::Level::warn : log::Level::debug;
  }

 private:
  std::atomic<SteadyTime> next_ = SteadyTime::min();
};

}  // namespace tern::detail
