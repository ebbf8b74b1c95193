#include <tern/turn/function_bot.hpp>

namespace tern {

FunctionBot& FunctionBot::on(std::string type, TurnHandler handler) {
  by_type_.insert_or_assign(std::move(type), std::move(handler));
  return *this;
}

FunctionBot& FunctionBot::on_message(TurnHandler handler) {
  return on(std::string(activity_types::message), std::move(handler));
}

FunctionBot& FunctionBot::on_event(std::string name, TurnHandler handler) {
  events_.insert_or_assign(std::move(name), std::move(handler));
  return *this;
}

FunctionBot& FunctionBot::on_invoke(std::string name, InvokeHandler handler) {
  invokes_.insert_or_assign(std::move(name), std::move(handler));
  return *this;
}

FunctionBot& FunctionBot::on_error(ErrorHandler handler) {
  error_ = std::move(handler);
  return *this;
}

awaitable<void> FunctionBot::on_turn(TurnContext& turn) {
  const auto found = by_type_.find(turn.activity().type());
  return found != by_type_.end() ? found->second(turn) : ActivityHandler::on_turn(turn);
}

awaitable<void> FunctionBot::on_turn_error(TurnContext& turn, std::exception_ptr error) {
  return error_ ? error_(turn, std::move(error)) : Bot::on_turn_error(turn, std::move(error));
}

awaitable<std::optional<InvokeResponse>> FunctionBot::on_other_invoke(TurnContext& turn) {
  const auto found = invokes_.find(turn.activity().name().value_or(""));
  return found != invokes_.end() ? found->second(turn) : ActivityHandler::on_other_invoke(turn);
}

awaitable<void> FunctionBot::on_other_event(TurnContext& turn) {
  const auto found = events_.find(turn.activity().name().value_or(""));
  return found != events_.end() ? found->second(turn) : ActivityHandler::on_other_event(turn);
}

}  // namespace tern
