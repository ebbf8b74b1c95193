#pragma once

#include <tern/turn/hooks.hpp>

namespace tern {

/// Code that runs around every turn. The middleware that was added first is the outermost.
class Middleware {
 public:
  virtual ~Middleware() = default;
  /// `next` runs the inner middleware and then the bot. When this function does not call `next`, the turn ends here.
  virtual awaitable<void> on_turn(TurnContext& turn, std::function<awaitable<void>()> next) = 0;
};

}  // namespace tern
