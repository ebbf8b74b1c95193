#pragma once

#include "runtime/continuation.hpp"
#include "runtime/last_conversations.hpp"
#include "runtime/shard.hpp"
#include "runtime/turn_request.hpp"
#include "turn/environment.hpp"

#include <tern/async/metrics.hpp>
#include <tern/async/task_group.hpp>
#include <tern/turn/bot.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tern::runtime {

class ShardRuntime;

struct RuntimeOptions {
  RuntimeOptions() = default;
  std::chrono::milliseconds ack_after{10'000};  ///< a normal turn that takes longer is answered 202 and goes on
  std::chrono::milliseconds deadline{14'000};   ///< an invoke or expectReplies that takes longer is cut: 504
  /// Any other turn is cut when it goes on for longer, after its 202 or, without one, its beginning.
  std::chrono::milliseconds longest{900'000};
  bool ordered = true;                     ///< one turn at a time in a conversation
  std::size_t turns = 100'000;             ///< running and waiting, in the process
  std::size_t conversation_queue = 100;    ///< waiting in one conversation
  std::size_t background_tasks = 10'000;   ///< in the process
  std::size_t dedupe_bytes = 64ULL << 20;  ///< in the process
  std::chrono::milliseconds dedupe_window{300'000};
  std::size_t replies = 4U << 20;          ///< bytes of the response to `expectReplies`
  std::size_t stream_buffer = 256U << 10;  ///< bytes of a stream that wait for its client before `send` waits
  std::size_t stream_replay = 256U << 10;  ///< bytes of a stream that are kept for a repetition
  bool capture_references = false;
  std::size_t reference_bytes = 4U << 10;  ///< of a conversation reference as it is kept
  /// With a store that other processes write to: how long it holds in which conversation a user wrote last.
  std::chrono::milliseconds last_conversation_trust{60'000};
  bool bot_per_turn = false;
};

/// Runs turns: each on its conversation's home shard, in order, bounded, deduplicated, committed.
///
/// Thread safety: `receive` on a shard; `submit` and `draining` from any thread; the rest from the owner's thread or
/// as they say.
class Runtime final : public TurnReceiver {
 public:
  using MakeBot = std::function<std::unique_ptr<Bot>()>;

  /// `environments`: one for each shard, in order; their proactive interface is set later, before `begin`.
  Runtime(ShardPool& shards, MakeBot make_bot, RuntimeOptions options,
          std::vector<std::unique_ptr<detail::TurnEnvironment>> environments, Clock& clock, Metrics& metrics);
  ~Runtime() override;

  /// Makes the bot, once all is there that it may be given; before the first turn.
  /// Errors: what leaves `make_bot`.
  void begin() { bot_ = make_bot_(); }

  void receive(TurnRequest request) noexcept override;

  /// Queues a turn of the bot's own accord in the reference's conversation.
  /// Errors: reported to `admitted`, or without one to `done`: `errc::shutting_down`, `errc::overloaded`. To `done`:
  /// what left the handler.
  void submit(Continuation continuation);

  /// Runs `work` on a shard, among the background work. From any thread.
  /// Errors: `errc::shutting_down`, `errc::overloaded`; then it has not begun.
  void spawn(std::size_t shard, std::string_view name, std::function<awaitable<void>()> work);
  /// The shard on which the turns of this conversation run.
  std::size_t home_of(const ConversationReference& conversation) const noexcept;

  bool has_continuation(std::string_view name) const;

  /// The stored reference was changed by somebody else: the user's next message writes it again. From any thread.
  void forget_reference(std::string channel, std::string user, std::string conversation);

  /// Refuses new turns and waits for the running ones, at most until `by`; those that are left are cut (503).
  /// True when none was. Awaited on any executor.
  awaitable<bool> drain_turns(Deadline by);
  /// Waits for background work; what is left is cancelled.
  awaitable<bool> drain_background(Deadline by);

  /// Destroys the turns that are left, once nothing runs any more and while the shards exist: who waits for one of them
  /// is posted to where it waits.
  void abandon_turns() noexcept;

  bool draining() const noexcept { return draining_.load(); }
  std::size_t turns_in_flight() const noexcept { return in_flight_.load(); }
  std::size_t background_tasks() const noexcept { return background_.count(); }

  const RuntimeOptions& options() const noexcept { return options_; }
  detail::TurnEnvironment& environment(std::size_t shard) noexcept { return *environments_[shard]; }
  const std::string& bot_id() const noexcept { return environments_.front()->bot_id; }

 private:
  friend class ShardRuntime;

  struct Figures {
    Counter ok, failed, refused, acknowledged, cut, repeated;
  };

  void add_times(Metrics& metrics);
  awaitable<void> wait_until_idle(Deadline by);
  bool take_place() noexcept;
  void give_back_place() noexcept;

  ShardPool& shards_;
  MakeBot make_bot_;
  RuntimeOptions options_;
  Clock& clock_;
  std::unique_ptr<Bot> bot_;  // the one that serves, or, with a bot for each turn, a specimen to ask
  std::vector<std::unique_ptr<detail::TurnEnvironment>> environments_;
  Figures figures_;
  // Who ends the last turn looks at the second after the first, and a drain at the first after the second: without one
  // order of all four, both may miss the other.
  std::atomic<std::size_t> in_flight_{0};
  std::atomic<bool> draining_{false};
  std::mutex idle_mutex_;
  std::function<void()> on_idle_;
  TaskGroup background_;
  LastConversations last_conversations_;
  std::vector<std::unique_ptr<ShardRuntime>> homes_;
};

}  // namespace tern::runtime
