#pragma once

#include "app/assembly.hpp"

#include <tern/app/app.hpp>

#include <utility>

namespace tern {

struct App::Impl {
  explicit Impl(Settings settings, BotFactory factory, Options options)
      : assembly(std::move(settings), std::move(factory), std::move(options)) {}

  app::Assembly assembly;
  bool running = false;
};

namespace app {

/// Gives `tern::run` the parts of an app that other programs do not need.
struct AppAccess {
  static Assembly& assembly(App& app) { return app.impl_->assembly; }
};

}  // namespace app

}  // namespace tern
