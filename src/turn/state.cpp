#include <tern/turn/state.hpp>

#include "turn/turn_access.hpp"
#include "turn/unit_of_work.hpp"

// Each function returns the coroutine of the unit of work, and has no frame of its own.
namespace tern::detail {

awaitable<const json::value*> state_get(TurnContext& turn, StateScope scope, std::string name) {
  return TurnAccess::unit_of_work(turn).get(scope, std::move(name));
}

awaitable<void> state_set(TurnContext& turn, StateScope scope, std::string name, json::value value, KeepUnknown keep) {
  return TurnAccess::unit_of_work(turn).set(scope, std::move(name), std::move(value), keep);
}

awaitable<void> state_erase(TurnContext& turn, StateScope scope, std::string name) {
  return TurnAccess::unit_of_work(turn).erase(scope, std::move(name));
}

awaitable<void> state_update(TurnContext& turn, StateScope scope, std::function<void(json::object&)> change) {
  return TurnAccess::unit_of_work(turn).update(scope, std::move(change));
}

awaitable<void> state_clear(TurnContext& turn, StateScope scope) {
  return TurnAccess::unit_of_work(turn).clear(scope);
}

awaitable<void> state_remove(TurnContext& turn, StateScope scope) {
  return TurnAccess::unit_of_work(turn).remove(scope);
}

void throw_state_mismatch(TurnContext& turn, StateScope scope, const StateMismatch& mismatch) {
  TurnAccess::unit_of_work(turn).throw_state_mismatch(scope, mismatch);
}

}  // namespace tern::detail
