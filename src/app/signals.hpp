#pragma once

#include "app/log_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

namespace tern::app {

/// Waits for signals on a thread of its own. The first SIGTERM or SIGINT asks for a drain, and a second one ends the
/// process; what comes within 200 ms of the first counts as the same request. While the bot starts, the first one ends
/// the process, because there is nothing to drain. SIGHUP opens the log file anew, and ends nothing. SIGPIPE has no
/// effect from now on: the bot goes on when the reader of its output has gone.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Call it when the bot has started. Returns when the bot is asked to end.
  void wait_for_first();

  /// While it exists, SIGHUP calls a function as well, on the thread of the signals.
  class OnHangup {
   public:
    OnHangup(Signals& signals, std::function<void()> function);
    ~OnHangup();
    OnHangup(const OnHangup&) = delete;
    OnHangup& operator=(const OnHangup&) = delete;

   private:
    Signals& signals_;
  };

 private:
  void wait_for_end();
  void wait_for_hangup();
  void on_end(int signal);

  boost::asio::io_context io_{1};
  boost::asio::signal_set ends_;
  boost::asio::signal_set hangups_;
  LogFile log_file_;
  std::mutex mutex_;
  std::function<void()> at_hangup_;  // guarded by the mutex
  std::promise<void> first_;
  std::atomic<bool> starting_ = true;
  std::optional<std::chrono::steady_clock::time_point> asked_;
  std::thread thread_;
};

}  // namespace tern::app
