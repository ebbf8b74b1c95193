#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace tern::test {

/// A call that was started and is looked at later.
template <class T>
class Started {
 public:
  Started(asio::io_context& io, awaitable<T> work) : state_(std::make_shared<State>()) {
    asio::co_spawn(io, keep(std::move(work), state_),
                   asio::bind_cancellation_slot(state_->signal.slot(), [state = state_](std::exception_ptr error) {
                     state->error = error;
                     state->ended = true;
                   }));
  }

  bool ended() const { return state_->ended; }
  void cancel() { state_->signal.emit(asio::cancellation_type::terminal); }
  /// Rethrows, or gives the result.
  T get() {
    if (state_->error) {
      std::rethrow_exception(state_->error);
    }
    return std::move(state_->value.value());
  }
  /// The code of the error it ended with; a default code when it ended well.
  error_code code() const {
    try {
      if (state_->error) {
        std::rethrow_exception(state_->error);
      }
    } catch (const system_error& error) {
      return error.code();
    }
    return {};
  }
  template <class Exception>
  bool failed_with() const {
    try {
      if (state_->error) {
        std::rethrow_exception(state_->error);
      }
    } catch (const Exception&) {
      return true;
    } catch (...) {
      return false;
    }
    return false;
  }

 private:
  struct State {
    std::optional<T> value;
    std::exception_ptr error;
    bool ended = false;
    asio::cancellation_signal signal;
  };
  static awaitable<void> keep(awaitable<T> work, std::shared_ptr<State> state) {
    auto value = co_await std::move(work);
    state->value.emplace(std::move(value));
  }
  std::shared_ptr<State> state_;
};

}  // namespace tern::test
