#pragma once

#include <tern/storage/hints.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "back_off.hpp"
#include "connection_string.hpp"
#include "hint_statement.hpp"
#include "session.hpp"
#include "watchdog.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace tern::detail::pg {

/// Hears with LISTEN what other processes have written: on a connection and a thread of its own, which begin with
/// `start`. A lost connection is made anew, with back-off; each time the listener is told that hints may have been
/// missed.
///
/// A pooler that gives each transaction another connection of the server does not pass notifications on, and engines
/// that merely resemble PostgreSQL may have none. Then nothing is heard, and the log says so once.
///
/// Thread safety: `hears` from any thread; `start` and `stop` from the owner's, `start` once.
class HintConnection {
 public:
  HintConnection(const ConnectionString& target, const PostgresOptions& options, const HintStatement& hint,
                 Watchdog& watchdog);
  ~HintConnection();
  HintConnection(const HintConnection&) = delete;
  HintConnection& operator=(const HintConnection&) = delete;

  void start(HintListener listener);
  bool hears() const noexcept { return hears_.load(std::memory_order_acquire); }
  /// Ends the connection and the thread; waits for a listener that is running.
  void stop() noexcept;

 private:
  void run();
  /// Connects, and tells what comes until the end. Errors: `Failure`. False when nothing will ever be heard.
  bool hear();
  bool listen(Session& session);
  void follow(Session& session);
  void take(const std::string& payload);
  void say_away(const Failure& failure);
  static void say_never(const char* why);
  bool is_stopped();

  const ConnectionString& target_;
  const PostgresOptions& options_;
  const HintStatement& hint_;
  Watchdog& watchdog_;
  HintListener listener_;
  BackOff back_off_;
  bool said_away_ = false;
  std::atomic<bool> hears_ = false;
  int wake_;  // an eventfd: the end, for a thread that waits for the socket

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;  ///< guarded by `mutex_`
  std::thread thread_;
};

}  // namespace tern::detail::pg
