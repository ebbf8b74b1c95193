#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <thread>

namespace tern::detail {

/// What a handler works for, so that it can be named when it holds its thread for too long.
class Running {
 public:
  struct Name {
    std::string channel;
    std::string conversation;
    std::string type;  ///< of the activity, or what else it is
  };
  /// Called from any thread.
  virtual Name running_name() const = 0;

 protected:
  ~Running() = default;
};

/// What the handlers of one thread work for at this moment.
///
/// Thread safety: `ask` from any thread; the rest from its own.
class RunningSlot {
 public:
  constexpr RunningSlot() noexcept = default;

  const Running* now() const noexcept { return now_.load(std::memory_order_relaxed); }
  void set(const Running* running) noexcept { now_.store(running, std::memory_order_release); }

  /// `running` ends: from now on nobody asks it.
  void leave(const Running* running) noexcept {
    lock();
    if (now() == running) {
      set(nullptr);
    }
    asked_.store(false, std::memory_order_release);
  }

  /// The name of what runs; nullopt when it has none. Meanwhile `leave` waits.
  std::optional<Running::Name> ask() {
    const Asking asking(*this);
    const auto* running = now_.load(std::memory_order_acquire);
    return running != nullptr ? std::optional(running->running_name()) : std::nullopt;
  }

 private:
  struct Asking {
    explicit Asking(RunningSlot& asked) : slot(asked) { slot.lock(); }
    ~Asking() { slot.asked_.store(false, std::memory_order_release); }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    RunningSlot& slot;
  };

  void lock() noexcept {
    while (asked_.exchange(true, std::memory_order_acquire)) {
      std::this_thread::yield();
    }
  }

  std::atomic<const Running*> now_{nullptr};
  std::atomic<bool> asked_{false};
};

/// Of this thread. Coroutines keep it right: one that waits takes its own away, and puts it back when it goes on.
inline constinit thread_local RunningSlot running_slot;

/// What runs, for as long as this lives, in the coroutine that has it.
class RunningScope {
 public:
  explicit RunningScope(const Running& running) noexcept : running_(running) { running_slot.set(&running); }
  ~RunningScope() { running_slot.leave(&running_); }
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;

 private:
  const Running& running_;
};

}  // namespace tern::detail
