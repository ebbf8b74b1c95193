#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace tern::proactive {

/// Lets one continuation at a time through, of all schedulers of a process. A continuation that may have ended the
/// last process runs alone, so that nothing else is blamed for its effects.
///
/// Thread safety: all functions from any thread.
class SoloGate {
 public:
  /// `on_free` is called each time that the gate is free again, on the thread that calls `leave`; it must not block.
  /// Lifetime: nobody enters while schedulers are being made or destroyed.
  void add_listener(std::function<void()> on_free) { listeners_.push_back(std::move(on_free)); }

  /// True when the caller may run alone now; then it has to call `leave`.
  bool try_enter() {
    const std::lock_guard lock(mutex_);
    return !std::exchange(busy_, true);
  }
  void leave() {
    {
      const std::lock_guard lock(mutex_);
      busy_ = false;
    }
    for (const auto& listener : listeners_) {
      listener();
    }
  }

 private:
  std::mutex mutex_;
  bool busy_ = false;
  std::vector<std::function<void()>> listeners_;
};

}  // namespace tern::proactive
