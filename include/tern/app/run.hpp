#pragma once

#include <tern/app/app.hpp>

#include <memory>

namespace tern {

/// Serves the bots that `factory` makes until SIGTERM or SIGINT, configured by file, environment and command line
/// over `defaults`. Returns the exit status: 0 after a clean stop, `--help` and the like; 1 when it could not start
/// or a drain had to be cut; 2 for a wrong configuration. Messages go to standard error.
///
/// `drain.delay`, `drain.deadline` and 5 s after the signal the process has ended: whatever still holds it then, what
/// the program does after `run` included, it is ended with status 1 and a line that says what held it. A second signal
/// ends it at once, with status 1.
int run(int argc, const char* const* argv, BotFactory factory, ConfigDefaults defaults = {}, App::Options options = {});

/// As above, for one bot that is made by its default constructor.
template <class B>
int run(int argc, const char* const* argv, ConfigDefaults defaults = {}) {
  return run(argc, argv, [] { return std::make_unique<B>(); }, std::move(defaults));
}

}  // namespace tern
