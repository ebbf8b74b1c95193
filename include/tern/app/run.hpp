#pragma once

#include <tern/app/app.hpp>
#include <tern/app/own_keys.hpp>

#include <memory>

namespace tern {

/// What a program may add to a bot that is run: an `AppOptions` with what is read before there is an app.
struct RunOptions {
  RunOptions() {}           // NOLINT(modernize-use-equals-default): no aggregate, so that `{{key, value}}` are defaults
  ConfigDefaults defaults;  ///< below file, environment and command line
  OwnKeys keys;             ///< of the bot's own, beside those of Tern
  App::Options app;
};

/// Serves the bots that `factory` makes until SIGTERM or SIGINT, configured by file, environment and command line
/// over the defaults. Returns the exit status: 0 after a clean stop, `--help` and the like; 1 when it could not start
/// or a drain had to be cut; 2 for a wrong configuration. Messages go to standard error.
///
/// `drain.delay`, `drain.deadline` and 5 s after the signal the process has ended: whatever still holds it then, what
/// the program does after `run` included, it is ended with status 1 and a line that says what held it. A second signal
/// ends it at once, with status 1.
int run(int argc, const char* const* argv, BotFactory factory, RunOptions options);
int run(int argc, const char* const* argv, BotFactory factory, ConfigDefaults defaults = {}, App::Options options = {});

/// As above, for one bot that is made with the `BotContext` or, where it has no such constructor, with nothing.
template <class B>
int run(int argc, const char* const* argv, ConfigDefaults defaults = {}) {
  return run(argc, argv, BotFactory::of<B>(), std::move(defaults));
}
template <class B>
int run(int argc, const char* const* argv, RunOptions options) {
  return run(argc, argv, BotFactory::of<B>(), std::move(options));
}

}  // namespace tern
