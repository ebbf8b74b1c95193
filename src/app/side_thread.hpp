#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <thread>

namespace tern::app {

/// An io_context with a thread of its own, for requests that no handler of the bot may hold up, such as those for the
/// keys of issuers: a handler that blocks its shard must not keep them from the other shards.
///
/// Lifetime: the destructor ends the thread, and then destroys the coroutines that are left. What they use lives
/// longer. Thread safety: `ex` from any thread.
class SideThread {
 public:
  /// `name`: for the log.
  explicit SideThread(const char* name);
  ~SideThread();
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;

  executor ex() noexcept { return io_.get_executor(); }

 private:
  void run() noexcept;

  const char* name_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace tern::app
