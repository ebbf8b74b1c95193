#include "app/reply_stream.hpp"

#include <tern/error.hpp>

#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>

#include <utility>

namespace tern::app {

namespace {

// JSON holds no line break, so one data line is enough.
std::string event(std::string_view name, std::string_view data) {
  std::string text = "event: ";
  text += name;
  text += "\ndata: ";
  text += data;
  text += "\n\n";
  return text;
}

}  // namespace

class ReplyStream::Observer final : public runtime::TurnObserver {
 public:
  explicit Observer(std::weak_ptr<State> state) : state_(std::move(state)) {}

  void on_activity(std::string activity) noexcept override {
    if (auto state = state_.lock()) {
      state->events.push_back(event("activity", activity));
      state->wake.cancel();
    }
  }
  void on_reply(runtime::TurnReply reply) noexcept override {
    if (auto state = state_.lock()) {
      state->reply = std::move(reply);
      state->wake.cancel();
    }
  }

 private:
  std::weak_ptr<State> state_;  // the client may go before the turn ends
};

ReplyStream::ReplyStream(executor ex, bool invoke) : state_(std::make_shared<State>(ex)), invoke_(invoke) {}

ReplyStream::~ReplyStream() = default;

std::unique_ptr<runtime::TurnObserver> ReplyStream::observer() {
  return std::make_unique<Observer>(state_);
}

awaitable<void> ReplyStream::wait(std::shared_ptr<State> state) {
  while (state->events.empty() && !state->reply) {
    state->wake.expires_at(asio::steady_timer::time_point::max());
    const auto cancellation = co_await this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) {
      throw system_error(error_code(asio::error::operation_aborted));
    }
    try {
      co_await state->wake.async_wait(asio::deferred);
    } catch (const system_error& e) {
      // Woken, or the client has gone: the loop looks which.
      if (e.code() != asio::error::operation_aborted) {
        throw;
      }
    }
  }
}

awaitable<std::optional<runtime::TurnReply>> ReplyStream::begin() {
  co_await wait(state_);
  if (state_->events.empty() && state_->reply->status >= 400 && !(invoke_ && state_->reply->status == 501)) {
    ended_ = true;
    co_return std::move(state_->reply);
  }
  co_return std::nullopt;
}

std::string ReplyStream::last_event(runtime::TurnReply reply) const {
  if (invoke_ && (reply.status < 500 || reply.status == 501)) {
    return event("invokeResponse", "{\"status\":" + std::to_string(reply.status) +
                                       ",\"body\":" + (reply.body.empty() ? "null" : reply.body) + "}");
  }
  if (reply.status >= 400) {
    return event("error", reply.body);
  }
  return {};
}

awaitable<std::optional<std::string>> ReplyStream::next() {
  if (ended_) {
    co_return std::nullopt;
  }
  co_await wait(state_);
  if (!state_->events.empty()) {
    auto first = std::move(state_->events.front());
    state_->events.pop_front();
    co_return first;
  }
  ended_ = true;
  auto last = last_event(std::move(*state_->reply));
  if (last.empty()) {
    co_return std::nullopt;
  }
  co_return last;
}

}  // namespace tern::app
