#pragma once

#include <tern/app/app.hpp>
#include <tern/app/own_keys.hpp>

#include <memory>

namespace tern {

/// Additions of a program to `run`: `AppOptions`, and the defaults and keys that are read before there is an app.
struct RunOptions {
  /// No additions.
  RunOptions() {}           // NOLINT(modernize-use-equals-default): no aggregate, so that `{{key, value}}` are defaults
  ConfigDefaults defaults;  ///< below file, environment and command line
  OwnKeys keys;             ///< configuration keys of the bot's own, beside Tern's
  App::Options app;         ///< parts that replace the usual ones
};

///@{
/// Serves the bots that `factory` makes until SIGTERM or SIGINT. The configuration comes from file, environment and
/// command line, over the defaults. Returns the exit status: 0 after a clean stop, `--help` and the like; 1 when the
/// bot could not start or its drain was cut; 2 for a wrong configuration. Messages go to standard error.
///
/// The process has ended `drain.delay` + `drain.deadline` + 5 s after the signal. Whatever holds it longer, code of the
/// program after `run` included, it is ended then, with status 1 and a line that says what held it. A second signal
/// ends it at once, with status 1.
int run(int argc, const char* const* argv, BotFactory factory, RunOptions options);
int run(int argc, const char* const* argv, BotFactory factory, ConfigDefaults defaults = {}, App::Options options = {});
///@}

///@{
/// As above, for a bot of the class `B`. It is made with the `BotContext`, or with nothing if `B` has no such
/// constructor.
template <class B>
int run(int argc, const char* const* argv, ConfigDefaults defaults = {}) {
  return run(argc, argv, BotFactory::of<B>(), std::move(defaults));
}
template <class B>
int run(int argc, const char* const* argv, RunOptions options) {
  return run(argc, argv, BotFactory::of<B>(), std::move(options));
}
///@}

}  // namespace tern
