#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <functional>
#include <memory>

namespace tern::detail {

class TurnTrail;

/// One piece of background work, shared by its coroutine and the handles on it.
struct BackgroundState {
  explicit BackgroundState(executor on) : ex(std::move(on)) {}
  executor ex;
  std::atomic<bool> running{true};
  bool cancelled = false;            // by `BackgroundTask::cancel`; used on `ex` only
  asio::cancellation_signal signal;  // used on `ex` only
  std::function<void()> on_message;  // the work sent a message: typing ends; used on `ex` only
  std::weak_ptr<TurnTrail> trail;    // of the turn that began it, until it has ended
};

}  // namespace tern::detail
