#pragma once

#include <tern/async/awaitable.hpp>

#include <atomic>
#include <optional>
#include <string>
#include <thread>

namespace tern::detail {

/// The work that a handler does, named in the log when the handler holds its thread for too long.
class Running {
 public:
  struct Name {
    std::string channel;
    std::string conversation;
    std::string type;  ///< the activity's type, or a word for other work
  };
  /// Called from any thread.
  virtual Name running_name() const = 0;

 protected:
  ~Running() = default;
};

/// The work that the handlers of one thread do at this moment.
///
/// A run is a chain of coroutines that one `co_spawn` began. Only the run that has named its work sets and clears the
/// name: a coroutine that it begins with `co_spawn` is a run of its own, and may outlive that work.
/// Thread safety: `ask` from any thread; the other functions from the slot's own thread.
class RunningSlot {
 public:
  constexpr RunningSlot() noexcept = default;

  /// `run` goes on with the work `running`.
  void enter(const Running* running, const void* run) noexcept {
    run_ = run;
    now_.store(running, std::memory_order_release);
  }
  /// `run` waits. Yields its work; nullptr when the run has not named its work.
  const Running* pause(const void* run) noexcept {
    const auto* const running = now_.load(std::memory_order_relaxed);
    if (running == nullptr || run_ != run) {
      return nullptr;
    }
    now_.store(nullptr, std::memory_order_release);
    return running;
  }
  /// `running` ends: from now on no thread calls it.
  void leave(const Running* running) noexcept {
    lock();
    if (now_.load(std::memory_order_relaxed) == running) {
      now_.store(nullptr, std::memory_order_release);
    }
    asked_.store(false, std::memory_order_release);
  }

  /// The name of the work at this moment; nullopt without one. While a thread asks, `leave` waits.
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
  const void* run_ = nullptr;  // the run that does the work `now_`
  std::atomic<bool> asked_{false};
};

/// The slot of this thread. A coroutine that waits takes its work out of the slot, and puts it back when it goes on.
inline constinit thread_local RunningSlot running_slot;

/// Names the work of a run while the scope lives. `run`: from `co_await this_run`, in the coroutine with the scope.
class RunningScope {
 public:
  RunningScope(const Running& running, const void* run) noexcept : running_(running) {
    running_slot.enter(&running, run);
  }
  ~RunningScope() { running_slot.leave(&running_); }
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;

 private:
  const Running& running_;
};

}  // namespace tern::detail
