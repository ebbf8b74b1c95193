#pragma once

#include <tern/turn/conversation.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

namespace tern::detail {

class TurnTrail;
struct TurnEnvironment;

/// The state of one piece of background work. Its coroutine and its handles share it.
struct BackgroundState {
  /// `services`: of the shard on which the work runs.
  BackgroundState(executor on, TurnEnvironment& services) : ex(std::move(on)), environment(services) {}
  executor ex;
  TurnEnvironment& environment;
  std::atomic<bool> running{true};
  bool cancelled = false;            // set by `BackgroundTask::cancel`; used on `ex` only
  asio::cancellation_signal signal;  // used on `ex` only
  std::function<void()> on_message;  // called when the work sends a message, so that typing ends; used on `ex` only
  std::weak_ptr<TurnTrail> trail;    // the trail of the turn that began the work, while the work runs
};

/// Lets the framework make conversations and tasks of background work, which bots cannot.
struct BackgroundAccess {
  /// `state`: nullptr when the conversation belongs to no background work.
  static Conversation conversation(ConversationReference reference, Proactive& proactive, Clock& clock,
                                   std::shared_ptr<BackgroundState> state) {
    return {std::move(reference), proactive, clock, std::move(state)};
  }
  static BackgroundTask task(std::shared_ptr<BackgroundState> state) { return BackgroundTask(std::move(state)); }
};

}  // namespace tern::detail
