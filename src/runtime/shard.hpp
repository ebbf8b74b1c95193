#pragma once

#include <tern/async/timing_wheel.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace tern::runtime {

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
  /// Destroys what is still suspended here; after `join`, while all it refers to exists. Nothing may be used then.
  void tear_down();

  /// The shard whose thread this is; nullptr elsewhere.
  static Shard* current() noexcept;

 private:
  void run() noexcept;

  std::size_t index_;
  std::unique_ptr<asio::io_context> io_;
  std::unique_ptr<TimingWheel> wheel_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::thread thread_;
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
  /// See `Shard::tear_down`.
  void tear_down();

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tern::runtime
