#include "app/signals.hpp"

#include "async/log_last.hpp"

#include <tern/async/log.hpp>

#include <csignal>
#include <cstdlib>
#include <utility>

namespace tern::app {

namespace {

// Programs such as timeout(1) signal a process and then its whole group. That is one request to end, not two.
constexpr std::chrono::milliseconds one_request{200};

// Sets a handler that does nothing, unless the bot has set one. SIG_IGN is not used, because programs that the bot
// starts would inherit it.
void ignore_broken_pipes() {
  struct sigaction now{};
  if (::sigaction(SIGPIPE, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) {
    return;
  }
  struct sigaction nothing{};
  nothing.sa_handler = [](int) {};
  nothing.sa_flags = SA_RESTART;
  ::sigaction(SIGPIPE, &nothing, nullptr);
}

void reopen_log(const LogFile& file) {
  switch (file.reopen()) {
    case LogFile::Outcome::reopened:
      log::info("SIGHUP: the file of the log was opened anew; the configuration is read at the start only",
                {{"file", file.path()}});
      break;
    case LogFile::Outcome::no_file:
      log::info("SIGHUP: going on; the log is no file, and the configuration is read at the start only");
      break;
    case LogFile::Outcome::failed:
      log::error("SIGHUP: the file of the log cannot be opened anew; going on with the old one",
                 {{"file", file.path()}});
      break;
  }
}

}  // namespace

Signals::Signals() : ends_(io_, SIGTERM, SIGINT), hangups_(io_, SIGHUP) {
  ignore_broken_pipes();
  wait_for_end();
  wait_for_hangup();
  thread_ = std::thread([this] { io_.run(); });
}

Signals::~Signals() {
  io_.stop();
  thread_.join();
}

void Signals::wait_for_first() {
  starting_ = false;
  first_.get_future().wait();
}

void Signals::wait_for_end() {
  ends_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (!error) {
      on_end(signal);
      wait_for_end();
    }
  });
}

void Signals::wait_for_hangup() {
  hangups_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) {
      reopen_log(log_file_);
      const std::lock_guard lock(mutex_);
      if (at_hangup_) {
        at_hangup_();
      }
      wait_for_hangup();
    }
  });
}

Signals::OnHangup::OnHangup(Signals& signals, std::function<void()> function) : signals_(signals) {
  const std::lock_guard lock(signals_.mutex_);
  signals_.at_hangup_ = std::move(function);
}

Signals::OnHangup::~OnHangup() {
  const std::lock_guard lock(signals_.mutex_);
  signals_.at_hangup_ = nullptr;
}

void Signals::on_end(int signal) {
  if (starting_) {
    log::detail::write_last(log::Level::info, "asked to end during the start: ending at once", {{"signal", signal}});
    std::_Exit(EXIT_SUCCESS);
  }
  const auto now = std::chrono::steady_clock::now();
  const auto first = asked_;
  if (first && now - *first < one_request) {
    return;
  }
  if (first) {
    log::detail::write_last(log::Level::error, "a second signal: ending at once", {{"signal", signal}});
    std::_Exit(EXIT_FAILURE);
  }
  asked_ = now;
  first_.set_value();
}

}  // namespace tern::app
