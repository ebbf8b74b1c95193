#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace tern {

/// The threads of `offload`: as many as the machine has cores, at least two. They live as long as the program.
asio::thread_pool& offload_pool();

namespace detail {

/// A coroutine that waits for a function of the pool, without its type.
class OffloadWaiter {
 public:
  explicit OffloadWaiter(const executor& home) : home_(home), work_(home) {}
  virtual ~OffloadWaiter() = default;
  OffloadWaiter(const OffloadWaiter&) = delete;
  OffloadWaiter& operator=(const OffloadWaiter&) = delete;

  const executor& home() const noexcept { return home_; }
  /// Called on `home`, once.
  virtual void resume(std::exception_ptr error) = 0;

 private:
  executor home_;
  asio::executor_work_guard<executor> work_;
};

class OffloadsOfContext;

/// What a function on the pool and the coroutine that waits for it have in common. Whichever of them goes first, the
/// other finds it here: a context that is destroyed takes its coroutine with it, and the function ends for nobody.
class OffloadTicket : public std::enable_shared_from_this<OffloadTicket> {
 public:
  OffloadTicket() = default;
  virtual ~OffloadTicket();
  OffloadTicket(const OffloadTicket&) = delete;
  OffloadTicket& operator=(const OffloadTicket&) = delete;

  std::stop_token stop_token() const noexcept { return stop_.get_token(); }
  void request_stop() noexcept { stop_.request_stop(); }
  /// From now on the coroutine waits, or is destroyed with its context.
  void wait(std::unique_ptr<OffloadWaiter> waiter);
  /// The function has ended; on the pool. False when nobody waits for it any more.
  bool end(std::exception_ptr error);

 private:
  friend class OffloadsOfContext;

  std::stop_source stop_;
  std::shared_ptr<OffloadsOfContext> context_;
  std::unique_ptr<OffloadWaiter> waiter_;  // guarded by the context's mutex, as what follows
  std::list<std::shared_ptr<OffloadTicket>>::iterator place_;
};

template <class Handler>
class OffloadWaiterOf final : public OffloadWaiter {
 public:
  explicit OffloadWaiterOf(Handler handler)
      : OffloadWaiter(asio::get_associated_executor(handler)), handler_(std::move(handler)) {}

  void resume(std::exception_ptr error) override {
    if (auto slot = asio::get_associated_cancellation_slot(handler_); slot.is_connected()) {
      slot.clear();
    }
    std::move(handler_)(std::move(error));
  }

 private:
  Handler handler_;
};

template <class Function>
constexpr bool takes_stop_token = std::is_invocable_v<Function&, std::stop_token>;

template <class Function>
decltype(auto) call_offloaded(Function& function, std::stop_token stop) {
  if constexpr (takes_stop_token<Function>) {
    return function(std::move(stop));
  } else {
    return function();
  }
}

template <class Function>
using OffloadResult = decltype(call_offloaded(std::declval<Function&>(), std::stop_token()));

/// A call with its function and its result.
template <class Function>
class OffloadCall final : public OffloadTicket {
  using Result = OffloadResult<Function>;
  static_assert(!std::is_reference_v<Result>, "offload: return a value, what a reference names may be gone");

 public:
  explicit OffloadCall(Function function) : function_(std::move(function)) {}

  void run() {
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<Result>) {
        call_offloaded(*function_, stop_token());
      } else {
        result_.emplace(call_offloaded(*function_, stop_token()));
      }
    } catch (...) {
      error = std::current_exception();
    }
    // Here, so that what it holds is released before the caller goes on.
    function_.reset();
    if (!end(std::move(error))) {
      result_.reset();
    }
  }

  Result take() {
    if constexpr (!std::is_void_v<Result>) {
      return std::move(*result_);
    }
  }

 private:
  struct None {};
  std::optional<Function> function_;
  std::optional<std::conditional_t<std::is_void_v<Result>, None, Result>> result_;
};

/// Runs `call` on the pool and then completes on the executor of the awaiting coroutine.
///
/// Not `co_spawn`: with a cancellation slot, which `deferred` cannot be without, that of Asio 1.26 posts the signal to
/// the pool with a pointer into the caller's frame, which may be gone when the pool comes to it.
template <class Call>
auto run_on_pool(std::shared_ptr<Call> call) {
  auto initiate = [](auto handler, std::shared_ptr<Call> on) {
    if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
      slot.assign([on](asio::cancellation_type) { on->request_stop(); });
    }
    on->wait(std::make_unique<OffloadWaiterOf<decltype(handler)>>(std::move(handler)));
    asio::post(offload_pool(), [on = std::move(on)] { on->run(); });
  };
  return asio::async_initiate<const asio::deferred_t, void(std::exception_ptr)>(initiate, asio::deferred,
                                                                                std::move(call));
}

}  // namespace detail

/// Runs `function`, which may block or compute for long, on a thread of `offload_pool` and resumes here with its
/// result. A handler calls a library without coroutines in this way, and does not hold its shard.
///
/// `function` takes no argument, or a `std::stop_token`. The token is stopped when nobody wants the result any more:
/// the coroutine was cancelled (the turn was cut, the background work was cancelled), or its context is gone. A
/// function that takes long looks at the token, or passes it on, and returns early.
///
/// Lifetime: `function` may outlive the coroutine that awaits it, the bot and the app: when a drain is cut, the app is
///   destroyed and the function runs on. So the function owns all that it uses, by value, `unique_ptr` or `shared_ptr`.
///   It captures no reference to the turn, to the bot or to a local variable of the coroutine; a reference to an object
///   that lives as long as the program is allowed. When the coroutine is gone, the function and its result are
///   destroyed on the thread that the function ran on.
/// Cancellation: a function that was handed over runs to its end, and the awaiting coroutine waits for it.
/// Errors: the exception that left `function`.
template <class Function>
awaitable<detail::OffloadResult<Function>> offload(Function function) {
  auto call = std::make_shared<detail::OffloadCall<Function>>(std::move(function));
  co_await detail::run_on_pool(call);
  co_return call->take();
}

}  // namespace tern
