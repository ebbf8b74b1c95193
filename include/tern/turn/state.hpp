#pragma once

#include <tern/turn/state_unknown.hpp>
#include <tern/turn/turn_context.hpp>

#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace tern {

/// The owner of a state document.
enum class StateScope : std::uint8_t {
  conversation,         ///< `{bot}/{channel}/conversations/{conversation}`
  user,                 ///< `{bot}/{channel}/users/{user}`
  private_conversation  ///< `{bot}/{channel}/conversations/{conversation}/users/{user}`
};

namespace detail {
/// The member `name` of the scope's document, nullptr when absent. Loads all scopes on the turn's first call.
awaitable<const json::value*> state_get(TurnContext& turn, StateScope scope, std::string name);
/// `keep`: what is to become of a value that is there; null: it is overwritten.
awaitable<void> state_set(TurnContext& turn, StateScope scope, std::string name, json::value value, KeepUnknown keep);
awaitable<void> state_erase(TurnContext& turn, StateScope scope, std::string name);
awaitable<void> state_update(TurnContext& turn, StateScope scope, std::function<void(json::object&)> change);
awaitable<void> state_clear(TurnContext& turn, StateScope scope);
awaitable<void> state_remove(TurnContext& turn, StateScope scope);
[[noreturn]] void throw_state_mismatch(TurnContext& turn, StateScope scope, const StateMismatch& mismatch);

/// A property of a document. Errors: `StateMismatch`.
template <class T>
T read_property(const json::value& stored, const std::string& name) {
  try {
    return read_state<T>(stored);
  } catch (StateMismatch& mismatch) {
    mismatch.in_member(name);
    throw;
  }
}
}  // namespace detail

/// One named, typed value in a state document. A property is a light description: make it once, use it in every turn.
///
/// `T` is anything Boost.JSON converts (`value_from`, `value_to`): numbers, strings, containers, described structs.
/// Described structs (`BOOST_DESCRIBE_STRUCT`), and described structs inside them, may grow: a member that is not
/// stored keeps its default, and a stored member that the struct does not have survives `set` and `update`. See
/// docs/state.md. Errors: `find`, `get` and `update` throw `errc::state_mismatch` when the stored value does not
/// convert to `T`. The
///   message has the property, the scope and the key of the document.
template <class T>
class StateProperty {
 public:
  /// The property `name` of the documents of this scope.
  StateProperty(StateScope scope, std::string name) : scope_(scope), name_(std::move(name)) {}

  /// The value; nullopt when it was never set.
  awaitable<std::optional<T>> find(TurnContext& turn) const {
    const json::value* found = co_await detail::state_get(turn, scope_, name_);
    if (found == nullptr) {
      co_return std::nullopt;
    }
    co_return read(turn, *found);
  }

  /// The value, or `fallback` when it was never set.
  awaitable<T> get(TurnContext& turn, T fallback = T{}) const {
    const json::value* found = co_await detail::state_get(turn, scope_, name_);
    if (found == nullptr) {
      co_return fallback;
    }
    co_return read(turn, *found);
  }

  /// Sets the value in this turn; written when the turn commits.
  awaitable<void> set(TurnContext& turn, T value) const {
    return detail::state_set(turn, scope_, name_, json::value_from(std::move(value)), keep_unknown());
  }

  /// Removes the value; written when the turn commits.
  awaitable<void> remove(TurnContext& turn) const { return detail::state_erase(turn, scope_, name_); }

  /// Changes the value by `change`, which starts from `initial` when the value was never set. When another writer has
  /// changed the document meanwhile, the turn does not fail: `change` alone is applied again, to the new value. So
  /// `change` depends on nothing but its argument, and does nothing else.
  awaitable<void> update(TurnContext& turn, std::function<void(T&)> change, T initial = T{}) const {
    auto apply = [name = name_, change = std::move(change), initial = std::move(initial)](json::object& document) {
      const json::value* found = document.if_contains(name);
      T value = found != nullptr ? detail::read_property<T>(*found, name) : initial;
      change(value);
      auto fresh = json::value_from(std::move(value));
      const auto keep = keep_unknown();
      document[name] = found != nullptr && keep != nullptr ? keep(std::move(fresh), *found) : std::move(fresh);
    };
    return detail::state_update(turn, scope_, std::move(apply));
  }

 private:
  T read(TurnContext& turn, const json::value& stored) const {
    try {
      return detail::read_property<T>(stored, name_);
    } catch (const detail::StateMismatch& mismatch) {
      detail::throw_state_mismatch(turn, scope_, mismatch);
    }
  }
  static constexpr detail::KeepUnknown keep_unknown() noexcept {
    if constexpr (detail::is_described<T>()) {
      return &detail::keep_unknown<T>;
    } else {
      return nullptr;
    }
  }

  StateScope scope_;
  std::string name_;
};

/// The state of one scope.
template <StateScope Scope>
class BotState {
 public:
  /// The property of this name.
  template <class T>
  StateProperty<T> property(std::string name) const {
    return StateProperty<T>(Scope, std::move(name));
  }
  /// Writes an empty document in place of the stored one, when the turn commits.
  awaitable<void> clear(TurnContext& turn) const { return detail::state_clear(turn, Scope); }
  /// Deletes the document, when the turn commits.
  awaitable<void> remove(TurnContext& turn) const { return detail::state_remove(turn, Scope); }
};

/// State that all participants of a conversation share.
using ConversationState = BotState<StateScope::conversation>;
/// State of one user, in all conversations of a channel.
using UserState = BotState<StateScope::user>;
/// State of one user in one conversation.
using PrivateConversationState = BotState<StateScope::private_conversation>;

}  // namespace tern
