#include <tern/app/run.hpp>

#include "app/app_impl.hpp"
#include "app/stop_watchdog.hpp"
#include "async/log_last.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

namespace tern {

namespace {

/// Waits for SIGTERM and SIGINT on a thread of its own: the first asks for a drain, a second one ends the process.
/// While the bot starts there is nothing to drain, and it may wait for its storage: the first one ends it then.
class Signals {
 public:
  Signals() : signals_(io_, SIGTERM, SIGINT) {
    wait();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Signals() {
    io_.stop();
    thread_.join();
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// The bot has started.
  void wait_for_first() {
    starting_ = false;
    first_.get_future().wait();
  }

 private:
  void wait() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) {
        return;
      }
      if (starting_) {
        log::detail::write_last(log::Level::info, "asked to end during the start: ending at once",
                                {{"signal", signal}});
        std::_Exit(EXIT_SUCCESS);
      }
      if (std::exchange(asked_, true)) {
        log::detail::write_last(log::Level::error, "a second signal: ending at once", {{"signal", signal}});
        std::_Exit(EXIT_FAILURE);
      }
      first_.set_value();
      wait();
    });
  }

  asio::io_context io_{1};
  asio::signal_set signals_;
  std::promise<void> first_;
  std::atomic<bool> starting_ = true;
  bool asked_ = false;
  std::thread thread_;
};

/// Serves until the first signal, then stops; true when nothing was cut. What comes after it is watched as well.
bool serve_and_stop(Signals& signals, Settings settings, BotFactory factory, App::Options options) {
  const auto most = settings.drain.delay + settings.drain.deadline + app::stop_grace;
  std::shared_ptr<app::StopProgress> progress;
  bool clean = false;
  {
    App app(std::move(settings), std::move(factory), std::move(options));
    progress = app::AppAccess::assembly(app).progress;
    app.start();
    signals.wait_for_first();
    app::end_process_at(std::chrono::steady_clock::now() + most, progress);
    clean = app.stop();
  }
  progress->enter(app::StopPhase::program);
  return clean;
}

int serve(Settings settings, BotFactory factory, App::Options options) {
  try {
    Signals signals;
    return serve_and_stop(signals, std::move(settings), std::move(factory), std::move(options)) ? EXIT_SUCCESS
                                                                                                : EXIT_FAILURE;
  } catch (const system_error& e) {
    log::error("the bot could not be served", {{"error", message_of(e)}});
  } catch (const std::exception& e) {
    log::error("the bot could not be served", {{"error", e.what()}});
  }
  return EXIT_FAILURE;
}

}  // namespace

int run(int argc, const char* const* argv, BotFactory factory, ConfigDefaults defaults, App::Options options) {
  CommandLine command;
  try {
    command = load_config(argc, argv, defaults);
  } catch (const ConfigError& e) {
    std::cerr << e.what() << '\n';
    return 2;
  }
  if (command.action != CommandLine::Action::run) {
    std::cout << command.text << std::flush;
    return EXIT_SUCCESS;
  }
  log::configure(command.settings.log.level, command.settings.log.format);
  return serve(std::move(command.settings), std::move(factory), std::move(options));
}

}  // namespace tern
