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

/// The replies of one turn with `deliveryMode: stream`, as the server-sent events that its clients get. The turn
/// writes. Each client reads from the first event on, on its own shard: the one that asked first, and those that sent
/// the same activity again.
///
/// Bounded: the turn waits (`full`, `room`) while the client that has read for longest has `buffer` bytes or more to
/// get. The other clients never hold the turn. Up to `kept` bytes everything is kept for clients that come later. Of
/// a longer stream only what the client that has read for longest has still to get is kept; the stream of another one
/// that is further behind is cut short.
///
/// It is open until the turn and the background work that the turn began have ended (`join`, `leave`): what the work
/// says is part of it. While nothing is said, each client gets a line of comment every `longest_silence`, since clients
/// and proxies cut what is silent for some 45 s.
///
/// Lifetime: the turn and its readers share it; any of them may go first.
/// Thread safety: all functions from any thread; `room` on the turn's shard.
/// Source: protocol, "In".
class StreamedReplies : public std::enable_shared_from_this<StreamedReplies> {
 public:
  static constexpr std::chrono::seconds longest_silence{14};

  /// Both in bytes of events. `buffer`: 1 or more. `kept`: 0 keeps nothing for later clients.
  StreamedReplies(std::size_t buffer, std::size_t kept, Clock& clock = system_clock());
  /// The replies of a turn that has ended, from what `whole` gave.
  static std::shared_ptr<StreamedReplies> ended(std::string text);

  /// One more client, which reads from the first event on. nullptr when the first event is kept no longer.
  std::unique_ptr<ReplyReader> read();

  /// `json`: one line. Has no effect after `end`.
  void add(std::string_view json);
  /// True while the turn is to wait.
  bool full() const;
  /// Waits until `full` is false.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  awaitable<void> room();
  /// The turn is answered with `reply`: adds the last event, if there is one. `invoke`: it was asked by an invoke.
  /// Work that the turn began keeps the stream open, but for an invoke's or a failed one's, whose client is to know
  /// now.
  void end(const TurnReply& reply, bool invoke);

  /// One more piece of background work of the turn, and one fewer. With the last, after `end`, the stream ends.
  void join();
  void leave();
  bool ended() const;
  /// A client reads it, or will.
  bool is_read() const;
  /// Called once, when the stream ends after `end` has left it open; nullptr: nobody is to be told.
  void on_end(std::function<void()> told);

  /// All events, or nullopt when they were more than is kept.
  std::optional<std::string> whole() const;
  /// The bytes that are held for clients now.
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

  const std::size_t buffer_;
  const std::size_t kept_;
  Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  std::string text_;
  std::uint64_t begin_ = 0;            // where `text_` begins in the stream
  bool whole_ = true;                  // nothing was forgotten, nor will be
  std::vector<ReplyReader*> readers_;  // the one that has read for longest first
  std::optional<TurnReply> plain_;     // what the turn was answered before any event
  bool begun_ = false;                 // some client has been told that there is a stream
  bool answered_ = false;              // by the turn; `ended_` when its work is done as well
  std::size_t works_ = 0;
  std::function<void()> told_;
  bool ended_ = false;
  Sleepers readers_asleep_;
  Sleepers writers_asleep_;
};

/// What one client reads of `StreamedReplies`.
///
/// Thread safety: used on one shard at a time.
class ReplyReader {
 public:
  explicit ReplyReader(std::shared_ptr<StreamedReplies> replies) : replies_(std::move(replies)) {}
  /// The client needs nothing more; a turn that waits for it goes on.
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// Waits for the first event or the end, at most for the longest silence. What the turn was answered, if that was an
  /// error before any event: there is nothing to be read then.
  awaitable<std::optional<TurnReply>> begin();

  /// Waits for events: as many whole ones as fit into 16 KiB, or a part of a longer one, or a comment after the longest
  /// silence; nullopt at the end. What it gave before counts as written to the client.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  /// Errors: `errc::overloaded` when the client is so far behind that what follows is kept no longer.
  awaitable<std::optional<std::string>> next();

 private:
  friend class StreamedReplies;

  struct Step {
    bool ready = false;
    std::optional<std::string> piece;
  };
  /// `asker`: who sleeps when there is nothing; nullptr when nobody does.
  Step take(StreamedReplies::Sleeper* asker);
  std::string piece() const;

  std::shared_ptr<StreamedReplies> replies_;
  std::uint64_t written_ = 0;  // how much of the stream the client has; under the mutex of `replies_`
  std::size_t given_ = 0;      // bytes behind it that `next` gave last
  bool was_silent_ = false;    // `begin` has waited for long enough
};

}  // namespace tern::runtime
