#pragma once

#include <tern/app/app.hpp>

#include <memory>

namespace tern {

/// Serves the bots that `factory` makes until SIGTERM or SIGINT, configured by file, environment and command line
/// over `defaults`. Returns the exit status: 0 after a clean stop, `--help` and the like; 1 when it could not start
/// or a drain had to be cut; 2 for a wrong configuration. Messages go to standard error.
int run(int argc, const char* const* argv, BotFactory factory, ConfigDefaults defaults = {}, App::Options options = {});

/// As above, for one bot that is made by its default constructor.
template <class B>
int run(int argc, const char* const* argv, ConfigDefaults defaults = {}) {
  return run(argc, argv, [] { return std::make_unique<B>(); }, std::move(defaults));
}

}  // namespace tern
