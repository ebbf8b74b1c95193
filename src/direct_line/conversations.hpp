#pragma once

#include "async/keyed_hash.hpp"
#include "async/task_group.hpp"
#include "direct_line/conversation.hpp"
#include "direct_line/history.hpp"

#include <tern/async/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tern::direct_line {

/// The conversations that are used in this process, and those that were used last.
///
/// Lifetime: the history and the clock outlive it.
/// Thread safety: all functions from any thread.
class Conversations {
 public:
  /// `kept`: the most conversations that are remembered while nobody uses them.
  Conversations(History& history, std::size_t kept, Clock& clock);

  /// The conversation of this id, whether the store has it or not. Everybody who holds it has the same one.
  std::shared_ptr<Conversation> at(const std::string& id);

  /// Shows an activity to all who follow a conversation now, in this process and in the others, and to nobody who comes
  /// later: typing. The others are told as far as the store passes on notes (`AnyStorage::tell`), which are not too
  /// long. Cancellation: the others are not told.
  awaitable<void> show(std::shared_ptr<Conversation> conversation, std::string activity, Deadline by);

  /// Begins to listen for what other processes write and show. Preconditions: the storage is open.
  void listen();
  /// Ends what `listen` began.
  void stop_listening() noexcept;

  /// Somebody has written to this conversation: those who follow it here read again what the store has, unless this
  /// process has written itself. "": to any.
  void hint(std::string_view id);
  /// Another process shows something in this conversation (`write_note`).
  void note(std::string_view id, std::string_view text);

  /// Ends the followers of conversations whose time is over.
  void forget_over();

  /// Asks the store, once, for news of the conversations that are followed here: another process may have written.
  awaitable<void> look();
  /// The same for ever: once a second, or once in half a minute while the store tells what others write.
  awaitable<void> look_always();

  /// Refuses further writes, and waits for those under way. True when none is under way any more.
  awaitable<bool> close(Deadline by);

  History& history() noexcept { return history_; }
  /// How many conversations are remembered.
  std::size_t size() const;

 private:
  struct Equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
  };
  using Order = std::list<std::shared_ptr<Conversation>>;

  std::shared_ptr<Conversation> used(std::string_view id) const;
  awaitable<std::optional<std::uint64_t>> last_of(std::shared_ptr<Conversation> conversation, Deadline by);
  void forget_some();
  std::vector<std::shared_ptr<Conversation>> followed() const;

  History& history_;
  const std::size_t kept_;
  Clock& clock_;
  mutable std::mutex mutex_;
  Order order_;  // the one that was used last is first
  std::unordered_map<std::string_view, Order::iterator, tern::detail::KeyedHash, Equal> all_;  // keys: their own ids
  HintSubscription hints_;
  HintSubscription notes_;
  TaskGroup tasks_;  // the last member: its tasks use the others
};

}  // namespace tern::direct_line
