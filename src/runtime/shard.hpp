#pragma once

#include <tern/async/running.hpp>
#include <tern/async/timing_wheel.hpp>

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

/// An `io_context` that can be asked to let go of what is suspended in it before it is destroyed.
class ShardContext : public asio::io_context {
 public:
  ShardContext() : asio::io_context(1) {}
  /// Destroys the coroutines and handlers that it holds, as its destructor would. Other contexts may still post to it;
  /// what they post is destroyed by the next call, or with the context.
  void let_go() { shutdown(); }
};

/// One thread with one `io_context`: all that belongs to a conversation happens on one of them, without locks.
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
  /// Lets the thread end once nothing is left to do, at the latest when `stop` is called.
  void finish();
  /// Ends the thread now; what was queued is not run.
  void stop();
  void join();
  /// False once its thread has left `stop` behind: until then a handler may still hold it. From any thread.
  bool runs() const noexcept { return runs_.load(std::memory_order_acquire); }
  /// After `join`: destroys what is suspended here; see `ShardPool::abandon`.
  void abandon() { io_->let_go(); }
  /// Destroys the context. Nothing may be used then.
  void tear_down();

  /// A thread that runs a shard.
  struct Thread {
    std::thread::native_handle_type handle;
    int id;  ///< of the kernel
    detail::RunningSlot& running;
  };
  /// Calls `look` with the shard's thread, which does not end meanwhile; false when there is none. From any thread.
  bool look_at_thread(const std::function<void(const Thread&)>& look);

  /// The shard whose thread this is; nullptr elsewhere.
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
  std::optional<Thread> running_;  // guarded by it: the thread, while it runs
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
  /// Destroys what is still suspended on the shards, while all that it refers to exists, other shards above all: a
  /// coroutine that waits for one of another shard is posted there when it is destroyed. After `stop`. May be called
  /// again, when objects that held coroutines have gone.
  void abandon();
  /// Destroys the contexts; after `abandon`.
  void tear_down();

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tern::runtime
