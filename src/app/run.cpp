#include <tern/app/run.hpp>

#include "app/app_impl.hpp"
#include "app/signals.hpp"
#include "app/stop_watchdog.hpp"

#include <tern/async/log.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <utility>

namespace tern {

namespace {

constexpr int wrong_configuration = 2;

/// Serves until the first signal, then stops. True when nothing was cut. The watchdog also covers the end of the
/// program.
bool serve_and_stop(app::Signals& signals, Settings settings, BotFactory factory, App::Options options) {
  const auto most = settings.drain.delay + settings.drain.deadline + app::stop_grace;
  std::shared_ptr<app::StopProgress> progress;
  bool clean = false;
  {
    App app(std::move(settings), std::move(factory), std::move(options));
    progress = app::AppAccess::assembly(app).progress;
    app.start();
    {
      const app::Signals::OnHangup reload(signals, [&app] { app::AppAccess::assembly(app).reload_certificate(); });
      signals.wait_for_first();
    }
    app::end_process_at(std::chrono::steady_clock::now() + most, progress);
    clean = app.stop();
  }
  progress->enter(app::StopPhase::program);
  return clean;
}

int serve(Settings settings, BotFactory factory, App::Options options) {
  try {
    app::Signals signals;
    return serve_and_stop(signals, std::move(settings), std::move(factory), std::move(options)) ? EXIT_SUCCESS
                                                                                                : EXIT_FAILURE;
  } catch (const ConfigError& e) {  // which shows only when files are read
    log::error("the bot could not be served", {{"error", e.what()}});
    return wrong_configuration;
  } catch (const system_error& e) {
    log::error("the bot could not be served", {{"error", message_of(e)}});
  } catch (const std::exception& e) {
    log::error("the bot could not be served", {{"error", e.what()}});
  }
  return EXIT_FAILURE;
}

int print(const CommandLine& command) {
  for (const auto& warning : command.warnings) {
    std::cerr << warning << '\n';
  }
  std::cerr << command.note;
  std::cout << command.text << std::flush;
  if (!std::cout) {
    std::cerr << "Standard output could not be written.\n";
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

// An exception that leaves a thread ends the process. The lines before it must be in the log.
void write_the_log_before_a_crash() {
  static const auto before = std::get_terminate();
  std::set_terminate([] {
    constexpr std::chrono::milliseconds patience{200};
    log::flush(patience);
    before();
  });
}

int run_command(CommandLine command, BotFactory factory, App::Options options) {
  if (command.action != CommandLine::Action::run) {
    return print(command);
  }
  const auto& wanted = command.settings.log;
  log::configure(wanted.level, wanted.format, wanted.buffer);
  write_the_log_before_a_crash();
  for (const auto& warning : command.warnings) {
    log::warn(warning);
  }
  return serve(std::move(command.settings), std::move(factory), std::move(options));
}

}  // namespace

int run(int argc, const char* const* argv, BotFactory factory, ConfigDefaults defaults, App::Options options) {
  RunOptions all;
  all.defaults = std::move(defaults);
  all.app = std::move(options);
  return run(argc, argv, std::move(factory), std::move(all));
}

int run(int argc, const char* const* argv, BotFactory factory, RunOptions options) {
  try {
    auto command = load_config(argc, argv, options.defaults, process_environment(), options.keys,
                               static_cast<bool>(options.app.authenticator));
    return run_command(std::move(command), std::move(factory), std::move(options.app));
  } catch (const ConfigError& e) {
    std::cerr << e.what() << '\n';
    return wrong_configuration;
  } catch (const std::exception& e) {
    std::cerr << "The bot cannot go on: " << e.what() << '\n';
  } catch (...) {
    std::cerr << "The bot cannot go on: an exception that is no std::exception was thrown.\n";
  }
  return EXIT_FAILURE;
}

}  // namespace tern
