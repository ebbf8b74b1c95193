#include "turn/background.hpp"

#include "turn/environment.hpp"
#include "turn/make_send.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>
#include <tern/turn/conversation.hpp>

#include <boost/asio/post.hpp>

#include <exception>
#include <utility>

namespace tern {

namespace {

// Like a reply of a turn: it waits for the limits of the channel, and is tried again when it surely did not arrive.
awaitable<ResourceResponse> post(detail::TurnEnvironment& environment, ConversationReference reference,
                                 Activity activity) {
  if (!environment.proactive_enabled) {
    detail::throw_proactive_disabled();
  }
  detail::require_reachable(reference);
  detail::address_proactive(activity, reference);
  auto* const carrier = environment.replies;
  ResourceResponse response;
  std::exception_ptr failed;
  if (carrier == nullptr || carrier->is_free(reference.channel_id().value_or(""))) {
    try {
      response =
          co_await environment.sender.send(activity, {}, Deadline::after(environment.send_timeout, environment.clock));
      co_return response;
    } catch (const system_error&) {
      failed = std::current_exception();
    }
    if (carrier == nullptr) {
      std::rethrow_exception(failed);
    }
  }
  auto again = [&](std::string request_id, Deadline by) {
    return environment.sender.send(activity, std::move(request_id), by);
  };
  response = co_await carrier->carry(detail::ReplyCarrier::Address::of(reference), again, std::move(failed));
  co_return response;
}

// To the client that reads the turn's stream; to the channel when there is none, or the client has gone.
awaitable<ResourceResponse> say(std::shared_ptr<detail::BackgroundState> state, ConversationReference reference,
                                Activity activity) {
  if (auto trail = state->trail.lock(); trail && trail->listens()) {
    auto addressed = activity;
    detail::address_proactive(addressed, reference);
    const bool taken = co_await trail->take(std::move(addressed));
    if (taken) {
      co_return ResourceResponse{};
    }
  }
  auto response = co_await post(state->environment, std::move(reference), std::move(activity));
  co_return response;
}

}  // namespace

Conversation::Conversation(ConversationReference reference, Proactive& proactive, Clock& clock,
                           std::shared_ptr<detail::BackgroundState> state)
    : reference_(std::move(reference)), proactive_(&proactive), clock_(&clock), state_(std::move(state)) {}

Conversation::Conversation(const Conversation& other)
    : reference_((other.require_there(), other.reference_)),
      proactive_(other.proactive_),
      clock_(other.clock_),
      state_(other.state_) {}

Conversation::Conversation(Conversation&& other) noexcept
    : reference_(std::move(other.reference_)),
      proactive_(other.proactive_),
      clock_(other.clock_),
      state_(std::move(other.state_)) {}

Conversation& Conversation::operator=(const Conversation& other) {
  return *this = Conversation(other);
}

Conversation& Conversation::operator=(Conversation&& other) noexcept {
  reference_ = std::move(other.reference_);
  proactive_ = other.proactive_;
  clock_ = other.clock_;
  state_ = std::move(other.state_);
  return *this;
}

// A volatile write, because the compiler would leave out a plain one: code that uses the destroyed object must find
// nullptr.
Conversation::~Conversation() {
  *const_cast<const Conversation* volatile*>(&self_) = nullptr;
}

void Conversation::require_there() const {
  if (self_ == this) [[likely]] {
    return;
  }
  constexpr const char* text =
      "A Conversation was used through a reference after it had gone. Give work that goes on a copy of it.";
  log::error(text);
  throw_error(errc::turn_ended, text);
}

awaitable<ResourceResponse> Conversation::send(Activity activity) {
  require_there();
  if (!state_) {
    return proactive_->send(reference_, std::move(activity));
  }
  if (state_->on_message && activity.is(activity_types::message)) {
    state_->on_message();
  }
  return say(state_, reference_, std::move(activity));
}

awaitable<ResourceResponse> Conversation::send(std::string text) {
  return send(Activity::message(text));
}

awaitable<void> Conversation::continue_conversation(TurnHandler handler) {
  require_there();
  return proactive_->continue_conversation(reference_, std::move(handler));
}

awaitable<SendHandle> Conversation::send_after(WallTime::duration delay, Activity activity, SendOptions options) {
  require_there();
  return proactive_->send_after(reference_, delay, std::move(activity), std::move(options));
}

awaitable<void> Conversation::sleep_for(SteadyTime::duration duration) {
  require_there();
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
