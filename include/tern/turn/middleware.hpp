#pragma once

#include <tern/turn/hooks.hpp>

namespace tern {

/// What runs around every turn, the first added outermost.
class Middleware {
 public:
  virtual ~Middleware() = default;
  /// `next` runs what comes inside; not calling it ends the turn here.
  virtual awaitable<void> on_turn(TurnContext& turn, std::function<awaitable<void>()> next) = 0;
};

}  // namespace tern
