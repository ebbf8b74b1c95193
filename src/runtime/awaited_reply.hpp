#pragma once

#include "runtime/streamed_replies.hpp"
#include "runtime/turn_request.hpp"

#include <tern/async/awaitable.hpp>

#include <memory>
#include <optional>

namespace tern::runtime {

/// The reply of a turn, for a coroutine that has given the runtime an activity and goes on with the reply. Most turns
/// end before `TurnReceiver::receive` returns, so the coroutine does not wait. For other turns it waits, and is resumed
/// at the end of the turn.
///
/// Lifetime: it may be destroyed before the turn has ended; the turn goes on.
/// Thread safety: none; used on the shard `TurnRequest::origin`.
class AwaitedReply {
 public:
  AwaitedReply() = default;
  ~AwaitedReply();
  AwaitedReply(const AwaitedReply&) = delete;
  AwaitedReply& operator=(const AwaitedReply&) = delete;

  /// The observer for the turn. Call it once.
  std::unique_ptr<TurnObserver> observer();
  /// Keeps `what` until the turn does not need its observer any more, even if this is destroyed earlier. Without effect
  /// once the turn has ended.
  void keep(std::shared_ptr<const void> what) noexcept;

  /// Whether there is a reply, or a stream of replies.
  bool filled() const noexcept { return reply || replies; }
  /// Waits until there is one, or one more after a stream. Preconditions: `observer` was called, and nothing has come
  /// since the last wait. It returns at once when the turn was destroyed with the process.
  /// Cancellation: none; the turn answers by its deadline.
  awaitable<void> wait();

  std::optional<TurnReply> reply;
  std::unique_ptr<ReplyReader> replies;  ///< set for a turn that streams its replies

 private:
  class Told;
  Told* told_ = nullptr;  // fills this; nullptr once the turn has destroyed it
};

}  // namespace tern::runtime
