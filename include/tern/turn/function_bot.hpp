#pragma once

#include <tern/turn/activity_handler.hpp>

#include <functional>
#include <map>
#include <string>

namespace tern {

/// A bot made of functions, for programs without a class for it. Register the functions before the bot serves turns.
///
/// The functions are kept as long as the bot and called concurrently.
class FunctionBot final : public ActivityHandler {
 public:
  /// Answers an invoke; without an answer the channel gets 501.
  using InvokeHandler = std::function<awaitable<std::optional<InvokeResponse>>(TurnContext&)>;
  /// Deals with an exception of a turn; see `Bot::on_turn_error`.
  using ErrorHandler = std::function<awaitable<void>(TurnContext&, std::exception_ptr)>;

  /// For all activities of `type` (see `activity_types`), in place of the method of `ActivityHandler`.
  FunctionBot& on(std::string type, TurnHandler handler);
  /// For messages.
  FunctionBot& on_message(TurnHandler handler);
  /// For the event `name`.
  FunctionBot& on_event(std::string name, TurnHandler handler);
  /// For the invoke `name`.
  FunctionBot& on_invoke(std::string name, InvokeHandler handler);
  /// For exceptions that leave the other functions.
  FunctionBot& on_error(ErrorHandler handler);

  ///@{
  /// Calls the function that was registered for it, or the base class.
  awaitable<void> on_turn(TurnContext& turn) override;
  awaitable<void> on_turn_error(TurnContext& turn, std::exception_ptr error) override;
  ///@}

 protected:
  ///@{
  /// Calls the function that was registered for the name, or the base class.
  awaitable<std::optional<InvokeResponse>> on_other_invoke(TurnContext& turn) override;
  awaitable<void> on_other_event(TurnContext& turn) override;
  ///@}

 private:
  using ActivityHandler::on_event;
  using ActivityHandler::on_invoke;
  using ActivityHandler::on_message;

  std::map<std::string, TurnHandler, std::less<>> by_type_;
  std::map<std::string, TurnHandler, std::less<>> events_;
  std::map<std::string, InvokeHandler, std::less<>> invokes_;
  ErrorHandler error_;
};

}  // namespace tern
