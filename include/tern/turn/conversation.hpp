#pragma once

#include <tern/async/timer.hpp>
#include <tern/turn/proactive.hpp>

#include <functional>
#include <memory>

namespace tern {

namespace detail {
struct BackgroundState;
}

/// A conversation as background work sees it: it can be written to and continued, long after the turn has ended.
/// A value; copies mean the same conversation.
///
/// What is said in it reaches the client of the turn that began the work, while that client reads a stream
/// (`deliveryMode: stream`) and the work goes on; else it goes to the channel.
///
/// Lifetime: that of the app. Copy it where it is kept: used through a reference to one that has gone, it throws
/// `errc::turn_ended`, as far as that can be told.
/// Thread safety: used on the shard where the background work runs.
class Conversation {
 public:
  Conversation(ConversationReference reference, Proactive& proactive, Clock& clock,
               std::shared_ptr<detail::BackgroundState> state);

  Conversation(const Conversation& other);
  Conversation(Conversation&& other) noexcept;
  Conversation& operator=(const Conversation& other);
  Conversation& operator=(Conversation&& other) noexcept;
  ~Conversation();

  const ConversationReference& reference() const {
    require_there();
    return reference_;
  }
  /// Sends now. A message ends the typing indicator that is kept alive for this work.
  awaitable<ResourceResponse> send(Activity activity);
  awaitable<ResourceResponse> send(std::string text);
  /// Queues a turn in this conversation; see `Proactive::continue_conversation`.
  awaitable<void> continue_conversation(TurnHandler handler);
  awaitable<SendHandle> send_after(WallTime::duration delay, Activity activity, SendOptions options = {});
  /// Pauses this work; ends early with `operation_aborted` when the work is cancelled.
  awaitable<void> sleep_for(SteadyTime::duration duration);
  Proactive& proactive() const {
    require_there();
    return *proactive_;
  }
  Clock& clock() const {
    require_there();
    return *clock_;
  }

 private:
  void require_there() const;

  const Conversation* self_ = this;  // in one that has gone, or where there never was one, it points elsewhere
  ConversationReference reference_;
  Proactive* proactive_;
  Clock* clock_;
  std::shared_ptr<detail::BackgroundState> state_;
};

/// Slow work of a bot. It is given the conversation, never the turn, which will be gone.
using BackgroundWork = std::function<awaitable<void>(Conversation)>;

/// A handle on work that runs in the background. Copies mean the same work; dropping it changes nothing.
///
/// Thread safety: any thread.
class BackgroundTask {
 public:
  BackgroundTask() = default;
  explicit BackgroundTask(std::shared_ptr<detail::BackgroundState> state) : state_(std::move(state)) {}
  /// Asks the work to stop: its current `co_await` throws `operation_aborted`. False when it had ended.
  bool cancel();
  bool running() const noexcept;

 private:
  std::shared_ptr<detail::BackgroundState> state_;
};

}  // namespace tern
