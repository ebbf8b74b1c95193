#pragma once

#include "app/log_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>

#include <atomic>
#include <future>
#include <thread>

namespace tern::app {

/// Waits for SIGTERM, SIGINT and SIGHUP on a thread of its own. Of the first two the first asks for a drain, a second
/// one ends the process; while the bot starts there is nothing to drain, and it may wait for its storage: the first one
/// ends it then. SIGHUP opens the file of the log anew. SIGPIPE does nothing from now on: who reads the output of the
/// bot may go, and the bot goes on.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// The bot has started; returns when it is asked to end.
  void wait_for_first();

 private:
  void wait_for_end();
  void wait_for_hangup();
  void on_end(int signal);

  boost::asio::io_context io_{1};
  boost::asio::signal_set ends_;
  boost::asio::signal_set hangups_;
  LogFile log_file_;
  std::promise<void> first_;
  std::atomic<bool> starting_ = true;
  bool asked_ = false;
  std::thread thread_;
};

}  // namespace tern::app
