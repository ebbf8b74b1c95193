#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace tern::proactive {

/// Lets one at a time through, of all schedulers of a process: what may have ended the last process runs alone, so that
/// nothing else is blamed for what it does.
///
/// Thread safety: all functions from any thread.
class SoloGate {
 public:
  /// `on_free` is called, on the thread of whoever leaves, each time that the gate is free again; it must not block.
  /// Lifetime: nobody enters while schedulers are being made or destroyed.
  void add_listener(std::function<void()> on_free) { listeners_.push_back(std::move(on_free)); }

  /// True when the caller is now the one; it calls `leave`.
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
