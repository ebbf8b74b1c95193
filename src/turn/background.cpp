#include "turn/background.hpp"

#include <tern/turn/conversation.hpp>

#include <boost/asio/post.hpp>

namespace tern {

Conversation::Conversation(ConversationReference reference, Proactive& proactive, Clock& clock,
                           std::shared_ptr<detail::BackgroundState> state)
    : reference_(std::move(reference)), proactive_(&proactive), clock_(&clock), state_(std::move(state)) {}

awaitable<ResourceResponse> Conversation::send(Activity activity) {
  if (state_ && state_->on_message && activity.is(activity_types::message)) {
    state_->on_message();
  }
  return proactive_->send(reference_, std::move(activity));
}

awaitable<ResourceResponse> Conversation::send(std::string text) {
  return send(Activity::message(text));
}

awaitable<void> Conversation::continue_conversation(TurnHandler handler) {
  return proactive_->continue_conversation(reference_, std::move(handler));
}

awaitable<SendHandle> Conversation::send_after(WallTime::duration delay, Activity activity, SendOptions options) {
  return proactive_->send_after(reference_, delay, std::move(activity), std::move(options));
}

awaitable<void> Conversation::sleep_for(SteadyTime::duration duration) {
  return tern::sleep_for(duration, *clock_);
}

bool BackgroundTask::cancel() {
  if (!running()) {
    return false;
  }
  asio::post(state_->ex, [state = state_] {
    state->cancelled = true;
    state->signal.emit(asio::cancellation_type::terminal);
  });
  return true;
}

bool BackgroundTask::running() const noexcept {
  return state_ && state_->running.load(std::memory_order_acquire);
}

}  // namespace tern
