#pragma once

#include <tern/turn/turn_context.hpp>

#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace tern {

/// Whose state a document holds.
enum class StateScope : std::uint8_t {
  conversation,         ///< `{bot}/{channel}/conversations/{conversation}`
  user,                 ///< `{bot}/{channel}/users/{user}`
  private_conversation  ///< `{bot}/{channel}/conversations/{conversation}/users/{user}`
};

namespace detail {
/// The member `name` of the scope's document, nullptr when absent. Loads all scopes on the turn's first call.
awaitable<const json::value*> state_get(TurnContext& turn, StateScope scope, std::string name);
awaitable<void> state_set(TurnContext& turn, StateScope scope, std::string name, json::value value);
awaitable<void> state_erase(TurnContext& turn, StateScope scope, std::string name);
awaitable<void> state_update(TurnContext& turn, StateScope scope, std::function<void(json::object&)> change);
awaitable<void> state_clear(TurnContext& turn, StateScope scope);
awaitable<void> state_remove(TurnContext& turn, StateScope scope);
}  // namespace detail

/// One named, typed value in a state document. A light description: make it once, use it in every turn.
///
/// `T` is anything Boost.JSON converts (`value_from`, `value_to`): numbers, strings, containers, described structs.
/// Errors: `find`, `get`: `system_error` when what is stored does not convert to `T`.
template <class T>
class StateProperty {
 public:
  StateProperty(StateScope scope, std::string name) : scope_(scope), name_(std::move(name)) {}

  /// The value; nullopt when it was never set.
  awaitable<std::optional<T>> find(TurnContext& turn) const {
    const json::value* found = co_await detail::state_get(turn, scope_, name_);
    if (found == nullptr) {
      co_return std::nullopt;
    }
    co_return json::value_to<T>(*found);
  }

  /// The value, or `fallback` when it was never set.
  awaitable<T> get(TurnContext& turn, T fallback = T{}) const {
    const json::value* found = co_await detail::state_get(turn, scope_, name_);
    if (found == nullptr) {
      co_return fallback;
    }
    co_return json::value_to<T>(*found);
  }

  /// Sets the value in this turn; written when the turn commits.
  awaitable<void> set(TurnContext& turn, T value) const {
    return detail::state_set(turn, scope_, name_, json::value_from(std::move(value)));
  }

  awaitable<void> remove(TurnContext& turn) const { return detail::state_erase(turn, scope_, name_); }

  /// Changes the value by `change`, which starts from `initial` when it was never set. When another writer comes
  /// between, `change` alone is applied again to what that one wrote, instead of the turn failing; so it must depend
  /// on nothing but its argument.
  awaitable<void> update(TurnContext& turn, std::function<void(T&)> change, T initial = T{}) const {
    auto apply = [name = name_, change = std::move(change), initial = std::move(initial)](json::object& document) {
      const json::value* found = document.if_contains(name);
      T value = found != nullptr ? json::value_to<T>(*found) : initial;
      change(value);
      document[name] = json::value_from(std::move(value));
    };
    return detail::state_update(turn, scope_, std::move(apply));
  }

 private:
  StateScope scope_;
  std::string name_;
};

/// The state of one scope. `clear` writes an empty document, `remove` deletes it; both with the turn's commit.
template <StateScope Scope>
class BotState {
 public:
  template <class T>
  StateProperty<T> property(std::string name) const {
    return StateProperty<T>(Scope, std::move(name));
  }
  awaitable<void> clear(TurnContext& turn) const { return detail::state_clear(turn, Scope); }
  awaitable<void> remove(TurnContext& turn) const { return detail::state_remove(turn, Scope); }
};

/// Shared by everybody in a conversation.
using ConversationState = BotState<StateScope::conversation>;
/// Of one user, in all conversations of a channel.
using UserState = BotState<StateScope::user>;
/// Of one user in one conversation.
using PrivateConversationState = BotState<StateScope::private_conversation>;

}  // namespace tern
