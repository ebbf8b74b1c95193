#pragma once

#include "runtime/turn_request.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/timer.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::runtime {

/// The replies of one turn with `deliveryMode: stream`, as server-sent events. The turn writes them. Several clients
/// may read them: the first one, and each one that sent the same activity again. Each client reads from the first event
/// on, on its own shard.
///
/// The memory is bounded. The turn waits (`full`, `room`) while its oldest client has `buffer` bytes or more to read;
/// the other clients never hold up the turn. A stream of up to `kept` bytes is kept whole, for clients that come later.
/// Of a longer stream only the part that the oldest client has still to read is kept; the stream of a client that is
/// further behind is cut short.
///
/// The stream is open until the turn and its background work have ended (`begin_work`, `end_work`), because the work
/// may add replies. While there are no events, each client gets a comment every `longest_silence`: clients and proxies
/// close a connection that is silent for about 45 s.
///
/// Lifetime: the turn and its readers share it; any of them may be destroyed first.
/// Thread safety: all functions from any thread; `room` on the turn's shard.
/// Source: Activity Protocol, "Delivery mode"; HTML Standard, "Server-sent events".
class StreamedReplies : public std::enable_shared_from_this<StreamedReplies> {
 public:
  static constexpr std::chrono::seconds longest_silence{14};

  /// Both are bytes of events. `buffer`: 1 or more. `kept`: 0 keeps nothing for later clients.
  StreamedReplies(std::size_t buffer, std::size_t kept, Clock& clock = system_clock());
  /// The replies of a turn that has ended. `kept`: the result of `whole`.
  static std::shared_ptr<StreamedReplies> ended(std::string_view kept);

  /// Names this run of the turn, as no other run in any process.
  const std::string& run() const noexcept { return run_; }

  /// Adds a client, which reads from the first event on. nullptr when the first event is no longer kept.
  std::unique_ptr<ReplyReader> read();

  /// Adds an activity as an event. `json`: one line. Without effect once the stream has ended.
  void add(std::string_view json);
  /// True while the turn must wait before it adds more.
  bool full() const;
  /// Waits until `full` is false.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  awaitable<void> room();
  /// The turn has ended with `reply`: adds an event for the answer of an invoke, or for an error. `invoke`: the
  /// activity of the turn is an invoke. Background work keeps the stream open, except after an invoke or an error: the
  /// client of such a turn waits for the end of the stream.
  void end(const TurnReply& reply, bool invoke);

  /// The turn has one more piece of background work.
  void begin_work();
  /// The turn has one fewer. When the last one ends after `end`, the stream ends.
  void end_work();
  bool ended() const;
  /// True while the stream is open and has a client.
  bool is_read() const;
  /// Calls `told` once, when the stream ends after `end` has left it open. nullptr calls nothing.
  void on_end(std::function<void()> told);

  /// The name of the run and all events, or nullopt when they were longer than `kept`.
  std::optional<std::string> whole() const;
  /// The bytes that are kept now.
  std::size_t bytes() const;

 private:
  friend class ReplyReader;

  /// A coroutine that waits for a change, on its own executor.
  struct Sleeper {
    Sleeper(Clock& clock, executor e) : ex(e), timer(clock, std::move(e)) {}
    executor ex;
    Timer timer;
    bool woken = false;
  };
  using Sleepers = std::vector<std::shared_ptr<Sleeper>>;
  class Sleep;

  static void wake(const Sleepers& sleepers);
  /// True when `until` has come.
  static awaitable<bool> sleep(std::shared_ptr<Sleeper> sleeper, SteadyTime until = SteadyTime::max());
  void close();
  bool must_wait() const noexcept;
  void add_event(std::string_view name, std::string_view data);
  void forget_what_nobody_needs();
  std::uint64_t size() const noexcept { return begin_ + text_.size(); }

  StreamedReplies(std::string run, std::string text);

  const std::size_t buffer_;
  const std::size_t kept_;
  Clock& clock_;
  const std::string run_;
  mutable std::mutex mutex_;  // guards all below
  std::string text_;
  std::uint64_t begin_ = 0;            // where `text_` begins in the stream
  bool whole_ = true;                  // `text_` has all events
  std::vector<ReplyReader*> readers_;  // the oldest first
  std::optional<TurnReply> plain_;     // an error reply from before any event
  bool begun_ = false;                 // a client was told that a stream follows
  bool answered_ = false;              // the turn has ended; `ended_`: its background work has ended too
  std::size_t works_ = 0;
  std::function<void()> told_;
  bool ended_ = false;
  Sleepers readers_asleep_;
  Sleepers writers_asleep_;
};

/// The reader of one client of `StreamedReplies`.
///
/// Thread safety: used on one shard at a time.
class ReplyReader {
 public:
  explicit ReplyReader(std::shared_ptr<StreamedReplies> replies) : replies_(std::move(replies)) {}
  /// The client is gone; a turn that waits for it goes on.
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// See `StreamedReplies::run`.
  const std::string& run() const noexcept { return replies_->run(); }

  /// Waits for the first event or for the end of the turn, at most for the longest silence. When the turn ended with an
  /// error before any event, returns that reply; there is no stream to read then.
  awaitable<std::optional<TurnReply>> begin();

  /// Waits for events. Returns as many whole events as fit into 16 KiB, or a part of a longer event, or a comment after
  /// the longest silence; nullopt at the end. Each call says that the client has the result of the call before.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  /// Errors: `errc::overloaded` when the client is too far behind: its next events are no longer kept.
  awaitable<std::optional<std::string>> next();

 private:
  friend class StreamedReplies;

  struct Step {
    bool ready = false;
    std::optional<std::string> piece;
  };
  /// `asker`: the sleeper that waits when there is no event; nullptr when the caller does not wait.
  Step take(StreamedReplies::Sleeper* asker);
  std::string piece() const;

  std::shared_ptr<StreamedReplies> replies_;
  std::uint64_t written_ = 0;  // bytes of the stream that the client has; guarded by the mutex of `replies_`
  std::size_t given_ = 0;      // bytes that the last `next` has returned
  bool was_silent_ = false;    // `begin` has waited for the longest silence
};

}  // namespace tern::runtime
