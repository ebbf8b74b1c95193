#include <tern/turn/bot.hpp>

namespace tern {

awaitable<void> Bot::on_turn_error(TurnContext&, std::exception_ptr error) {
  std::rethrow_exception(error);
  co_return;
}

Bot& Bot::use(std::shared_ptr<Middleware> middleware) {
  middleware_.push_back(std::move(middleware));
  return *this;
}

Bot& Bot::on_continue(std::string name, TurnHandler handler) {
  continuations_.insert_or_assign(std::move(name), std::move(handler));
  return *this;
}

const TurnHandler* Bot::continuation(std::string_view name) const noexcept {
  const auto found = continuations_.find(name);
  return found == continuations_.end() ? nullptr : &found->second;
}

}  // namespace tern
