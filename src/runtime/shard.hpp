#pragma once

#include "async/running.hpp"
#include "async/timing_wheel.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace tern::runtime {

/// An `io_context` that can destroy its suspended coroutines before it is destroyed itself.
class ShardContext : public asio::io_context {
 public:
  ShardContext() : asio::io_context(1) {}
  /// Destroys the coroutines and handlers of this context, as its destructor would. Other contexts may still post to
  /// it; the next call, or the destructor, destroys the new handlers.
  void let_go() { shutdown(); }
};

/// One thread with one `io_context`. Everything that belongs to a conversation happens on one shard, without locks.
class Shard {
 public:
  Shard(std::size_t index, Clock& clock);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  std::size_t index() const noexcept { return index_; }
  asio::io_context& io() noexcept { return *io_; }
  executor ex() noexcept { return io_->get_executor(); }
  TimingWheel& wheel() noexcept { return *wheel_; }

  void start();
  /// Lets the thread end when nothing is left to do, or when `stop` is called.
  void finish();
  /// Ends the thread after the handler that runs now; queued handlers do not run.
  void stop();
  void join();
  /// False once the thread has run its last handler, which may be some time after `stop`. From any thread.
  bool runs() const noexcept { return runs_.load(std::memory_order_acquire); }
  /// Destroys the suspended coroutines of this shard; see `ShardPool::abandon`. Call it after `join`.
  void abandon() { io_->let_go(); }
  /// Destroys the context. Only the destructor may be called afterwards.
  void tear_down();

  /// The thread of a shard.
  struct Thread {
    std::thread::native_handle_type handle;
    int id;  ///< the kernel's id of the thread
    detail::RunningSlot& running;
  };
  /// Calls `look` with the shard's thread, which does not end during the call. False when the thread does not run. From
  /// any thread.
  bool look_at_thread(const std::function<void(const Thread&)>& look);

  /// The shard whose thread calls this; nullptr on other threads.
  static Shard* current() noexcept;

 private:
  void run() noexcept;

  std::size_t index_;
  std::unique_ptr<ShardContext> io_;
  std::unique_ptr<TimingWheel> wheel_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::thread thread_;
  std::atomic<bool> runs_ = false;
  std::mutex running_mutex_;
  std::optional<Thread> running_;  // the thread, while it runs; guarded by `running_mutex_`
};

/// All shards of a process.
class ShardPool {
 public:
  /// `threads`: 0 means one for each core.
  ShardPool(std::size_t threads, Clock& clock);

  std::size_t size() const noexcept { return shards_.size(); }
  Shard& operator[](std::size_t index) noexcept { return *shards_[index]; }
  /// The home of a conversation, by the hash of its key.
  std::size_t home_of(std::uint64_t hash) const noexcept { return hash % shards_.size(); }

  void start();
  /// Stops and joins all threads.
  void stop();
  /// Destroys the suspended coroutines of all shards. Call this after `stop`, while all shards and everything else that
  /// the coroutines refer to still exist: a coroutine that waits for another shard is posted there when it is
  /// destroyed. It may be called again when objects that owned coroutines have been destroyed.
  void abandon();
  /// Calls `abandon` and destroys the contexts.
  void tear_down();

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tern::runtime
