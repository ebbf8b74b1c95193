#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/async/manual_clock.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace tern::test {

/// A coroutine started in the background that a test watches and may cancel.
class Spawned {
 public:
  Spawned(asio::io_context& io, awaitable<void> work) : state_(std::make_shared<State>()) {
    asio::co_spawn(io, std::move(work),
                   asio::bind_cancellation_slot(state_->signal.slot(), [state = state_](std::exception_ptr error) {
                     state->ended = true;
                     state->error = error;
                   }));
  }

  void cancel() { state_->signal.emit(asio::cancellation_type::terminal); }
  bool ended() const { return state_->ended; }
  bool failed() const { return state_->error != nullptr; }

  /// The code of the `system_error` that ended the coroutine; no error when it ended well or with something else.
  boost::system::error_code code() const {
    try {
      if (state_->error) {
        std::rethrow_exception(state_->error);
      }
    } catch (const boost::system::system_error& e) {
      return e.code();
    } catch (...) {
    }
    return {};
  }

 private:
  struct State {
    asio::cancellation_signal signal;
    bool ended = false;
    std::exception_ptr error;
  };
  std::shared_ptr<State> state_;
};

/// Moves `clock` to what is due next, for `destroy_after_every_n_handlers`; false when nothing waits.
inline bool move_to_next(ManualClock& clock) {
  const SteadyTime due = clock.next_due();
  if (due == SteadyTime::max()) {
    return false;
  }
  clock.advance(due - clock.now());
  return true;
}

}  // namespace tern::test
