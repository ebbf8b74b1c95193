#pragma once

#include <tern/async/timer.hpp>
#include <tern/turn/proactive.hpp>

#include <functional>
#include <memory>

namespace tern {

namespace detail {
struct BackgroundAccess;
struct BackgroundState;
}  // namespace detail

/// A conversation as background work sees it. The work can write to it and continue it, long after the turn has ended.
/// A value: copies mean the same conversation.
///
/// A message goes to the channel. There is one exception: while the client of the turn that began the work reads a
/// stream
/// (`deliveryMode: stream`) and the work goes on, the message goes to that client.
///
/// Lifetime: as the app. Copy it where you keep it: a function that is called through a reference to a `Conversation`
/// that has been destroyed throws `errc::turn_ended`, as far as that can be found out. Thread safety: used on the shard
/// where the background work runs.
class Conversation {
 public:
  ///@{
  /// Copies mean the same conversation.
  Conversation(const Conversation& other);
  Conversation(Conversation&& other) noexcept;
  Conversation& operator=(const Conversation& other);
  Conversation& operator=(Conversation&& other) noexcept;
  ///@}
  ~Conversation();

  /// Where it is: keep a copy to write there later.
  const ConversationReference& reference() const {
    require_there();
    return reference_;
  }
  ///@{
  /// Sends now. A message ends the typing indicator that is kept alive for this work.
  ///
  /// In background work it is treated like a reply of a turn: it waits for the channel's limits, and is tried again for
  /// `turn.reply_patience` when it surely did not arrive.
  /// Errors: those of `TurnContext::send`.
  awaitable<ResourceResponse> send(Activity activity);
  awaitable<ResourceResponse> send(std::string text);
  ///@}
  /// Queues a turn in this conversation; see `Proactive::continue_conversation`.
  awaitable<void> continue_conversation(TurnHandler handler);
  /// Schedules a send; see `Proactive::send_after`.
  awaitable<SendHandle> send_after(WallTime::duration delay, Activity activity, SendOptions options = {});
  /// Pauses this work; ends early with `operation_aborted` when the work is cancelled.
  awaitable<void> sleep_for(SteadyTime::duration duration);
  /// Messages to other conversations, and for later.
  Proactive& proactive() const {
    require_there();
    return *proactive_;
  }
  /// The clock of the app.
  Clock& clock() const {
    require_there();
    return *clock_;
  }

 private:
  friend struct detail::BackgroundAccess;

  Conversation(ConversationReference reference, Proactive& proactive, Clock& clock,
               std::shared_ptr<detail::BackgroundState> state);
  void require_there() const;

  const Conversation* self_ = this;  // in one that has gone, or where there never was one, it points elsewhere
  ConversationReference reference_;
  Proactive* proactive_;
  Clock* clock_;
  std::shared_ptr<detail::BackgroundState> state_;
};

/// Slow work of a bot. It is given the conversation, and never the turn, because the turn has ended by then.
using BackgroundWork = std::function<awaitable<void>(Conversation)>;

/// A handle on background work. Copies mean the same work. The work goes on when the handle is destroyed.
///
/// Thread safety: any thread.
class BackgroundTask {
 public:
  /// A handle on no work.
  BackgroundTask() = default;
  /// Asks the work to stop: its current `co_await` throws `operation_aborted`. False when the work had ended.
  bool cancel();
  /// Whether the work goes on.
  bool running() const noexcept;

 private:
  friend struct detail::BackgroundAccess;

  explicit BackgroundTask(std::shared_ptr<detail::BackgroundState> state) : state_(std::move(state)) {}

  std::shared_ptr<detail::BackgroundState> state_;
};

}  // namespace tern
