#pragma once

#include "async/task_group.hpp"
#include "runtime/continuation.hpp"
#include "runtime/last_conversations.hpp"
#include "runtime/shard.hpp"
#include "runtime/turn_request.hpp"
#include "turn/environment.hpp"

#include <tern/async/metrics.hpp>
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
  /// Every other turn is cut when it takes longer. The time begins with its 202, or with the turn if it gets no 202.
  std::chrono::milliseconds longest{900'000};
  bool ordered = true;                     ///< one turn at a time in a conversation
  std::size_t turns = 100'000;             ///< running and waiting, in the process
  std::size_t conversation_queue = 100;    ///< waiting in one conversation
  std::size_t background_tasks = 10'000;   ///< in the process
  std::size_t dedupe_bytes = 64ULL << 20;  ///< in the process
  std::chrono::milliseconds dedupe_window{300'000};
  std::size_t replies = 4U << 20;          ///< the most bytes of the response to `expectReplies`
  std::size_t stream_buffer = 256U << 10;  ///< `send` waits when so many bytes of a stream wait for its client
  std::size_t stream_replay = 256U << 10;  ///< the most bytes of a stream that are kept for repetitions
  bool capture_references = false;
  std::size_t reference_bytes = 4U << 10;  ///< the most bytes of a stored conversation reference
  /// How long the process trusts its memory of the conversation in which a user wrote last. Counts only for a store
  /// that other processes write to.
  std::chrono::milliseconds last_conversation_trust{60'000};
  bool bot_per_turn = false;
};

/// Runs the turns of the process. Each turn runs on the home shard of its conversation, in the order of arrival. A
/// repetition starts no second turn, and each turn commits its unit of work. `RuntimeOptions` bounds them.
///
/// Thread safety: `receive` on a shard; `submit` and `draining` from any thread; other functions from the owner's
/// thread, unless they say otherwise.
class Runtime final : public TurnReceiver {
 public:
  using MakeBot = std::function<std::unique_ptr<Bot>()>;

  /// `environments`: one for each shard, in the order of the shards; `proactive` of each is set before `begin`.
  Runtime(ShardPool& shards, MakeBot make_bot, RuntimeOptions options,
          std::vector<std::unique_ptr<detail::TurnEnvironment>> environments, Clock& clock, Metrics& metrics);
  ~Runtime() override;

  /// Makes the bot. Call this before the first turn, when everything that the bot is given exists.
  /// Errors: the exceptions of `make_bot`.
  void begin() { bot_ = make_bot_(); }

  void receive(TurnRequest request) noexcept override;

  /// Queues a turn that the bot itself begins, in the conversation of the reference.
  /// Errors: `errc::shutting_down` and `errc::overloaded` are reported to `admitted`, or to `done` if there is no
  /// `admitted`. The exceptions of the handler are reported to `done`.
  void submit(Continuation continuation);

  /// Runs `work` on a shard, as background work. From any thread.
  /// Errors: `errc::shutting_down`, `errc::overloaded`; the work has not begun then.
  void spawn(std::size_t shard, std::string_view name, std::function<awaitable<void>()> work);
  /// The shard on which the turns of this conversation run.
  std::size_t home_of(const ConversationReference& conversation) const noexcept;

  bool has_continuation(std::string_view name) const;

  /// Somebody else has changed the stored reference. The user's next message writes it again. From any thread.
  void forget_reference(std::string channel, std::string user, std::string conversation);

  /// Refuses new turns and waits for the running ones, at most until `by`. The turns that are left then are cut (503).
  /// True when no turn was cut. Await it on any executor.
  awaitable<bool> drain_turns(Deadline by);
  /// Waits for background work, at most until `by`. The work that is left then is cancelled. True when none was left.
  awaitable<bool> drain_background(Deadline by);

  /// Destroys the turns that are left. Call this when no shard runs any more, while all shards still exist: a coroutine
  /// that waits for a turn is posted to its own shard, where it is destroyed.
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
  std::unique_ptr<Bot> bot_;  // serves all turns; with a bot for each turn it only answers `has_continuation`
  std::vector<std::unique_ptr<detail::TurnEnvironment>> environments_;
  Figures figures_;
  // The end of the last turn changes `in_flight_` and then reads `draining_`; a drain sets `draining_` and then reads
  // `in_flight_`. All four need one order (sequential consistency), or each may miss the other's change.
  std::atomic<std::size_t> in_flight_{0};
  std::atomic<bool> draining_{false};
  std::mutex idle_mutex_;
  std::function<void()> on_idle_;
  TaskGroup background_;
  LastConversations last_conversations_;
  std::vector<std::unique_ptr<ShardRuntime>> homes_;
};

}  // namespace tern::runtime
