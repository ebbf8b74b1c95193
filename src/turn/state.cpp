#include <tern/turn/state.hpp>

#include "turn/unit_of_work.hpp"

// The functions only hand on: each returns the unit of work's own coroutine, without a frame of its own.
namespace tern::detail {

awaitable<const json::value*> state_get(TurnContext& turn, StateScope scope, std::string name) {
  return turn.unit_of_work().get(scope, std::move(name));
}

awaitable<void> state_set(TurnContext& turn, StateScope scope, std::string name, json::value value, KeepUnknown keep) {
  return turn.unit_of_work().set(scope, std::move(name), std::move(value), keep);
}

awaitable<void> state_erase(TurnContext& turn, StateScope scope, std::string name) {
  return turn.unit_of_work().erase(scope, std::move(name));
}

awaitable<void> state_update(TurnContext& turn, StateScope scope, std::function<void(json::object&)> change) {
  return turn.unit_of_work().update(scope, std::move(change));
}

awaitable<void> state_clear(TurnContext& turn, StateScope scope) {
  return turn.unit_of_work().clear(scope);
}

awaitable<void> state_remove(TurnContext& turn, StateScope scope) {
  return turn.unit_of_work().remove(scope);
}

void throw_state_mismatch(TurnContext& turn, StateScope scope, const StateMismatch& mismatch) {
  turn.unit_of_work().throw_state_mismatch(scope, mismatch);
}

}  // namespace tern::detail
