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

/// A bot answers turns. One object serves all conversations and is called concurrently, from all shards. With
/// `AppOptions::one_per_turn` there is one object for each turn instead.
class Bot {
 public:
  virtual ~Bot() = default;

  /// Answers one turn.
  virtual awaitable<void> on_turn(TurnContext& turn) = 0;

  /// Called with the exception that left the handler, after the uncommitted changes of the turn were dropped. The
  /// default rethrows it: the channel gets 500 without the text. When this function returns, the bot has dealt with the
  /// error and the channel gets its normal answer; after a conflict it gets 500 all the same, since the changes of the
  /// turn are lost. An invoke is answered with the response that is set here, or 500; a response that the handler had
  /// set before it failed is dropped.
  virtual awaitable<void> on_turn_error(TurnContext& turn, std::exception_ptr error);

  /// Adds middleware. Call it before the bot serves turns.
  Bot& use(std::shared_ptr<Middleware> middleware);

  /// Registers a continuation: `continue_at` and `continue_after` run `handler` by its `name`. Call it before the bot
  /// serves turns. The activity of its turn is the event `ContinueConversation` with the scheduled value.
  Bot& on_continue(std::string name, TurnHandler handler);

  /// The middleware, the outermost first.
  const std::vector<std::shared_ptr<Middleware>>& middleware() const noexcept { return middleware_; }
  /// The continuation of this name; nullptr when there is none.
  const TurnHandler* continuation(std::string_view name) const noexcept;

 private:
  std::vector<std::shared_ptr<Middleware>> middleware_;
  std::map<std::string, TurnHandler, std::less<>> continuations_;
};

}  // namespace tern
