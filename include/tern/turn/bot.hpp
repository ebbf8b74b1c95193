#pragma once

#include <tern/turn/middleware.hpp>
#include <tern/turn/turn_context.hpp>

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

/// A bot: what answers turns. One object serves all conversations and is called concurrently, from all shards; a
/// factory (see `App`) makes one for each turn instead.
class Bot {
 public:
  virtual ~Bot() = default;

  virtual awaitable<void> on_turn(TurnContext& turn) = 0;

  /// Called with what left the handler, after the turn's uncommitted changes were dropped. The default rethrows: the
  /// channel gets 500 without the text. Returning means the bot has dealt with it, and the channel gets its
  /// normal answer; but a conflict is 500 all the same, since what the turn changed is lost. An invoke is answered with
  /// the response that is set here, or 500; one that the handler had set before it failed is dropped.
  virtual awaitable<void> on_turn_error(TurnContext& turn, std::exception_ptr error);

  /// Adds middleware; before the bot serves turns.
  Bot& use(std::shared_ptr<Middleware> middleware);

  /// Registers what `continue_at` and `continue_after` run under `name`; before the bot serves turns. The turn's
  /// activity is the event `ContinueConversation` and carries the scheduled value.
  Bot& on_continue(std::string name, TurnHandler handler);

  const std::vector<std::shared_ptr<Middleware>>& middleware() const noexcept { return middleware_; }
  /// nullptr when there is none of this name.
  const TurnHandler* continuation(std::string_view name) const noexcept;

 private:
  std::vector<std::shared_ptr<Middleware>> middleware_;
  std::map<std::string, TurnHandler, std::less<>> continuations_;
};

}  // namespace tern
