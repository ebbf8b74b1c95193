#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <exception>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace tern {

/// The threads that `offload` uses: as many as the machine has cores, at least two. They live as long as the program.
asio::thread_pool& offload_pool();

namespace detail {

/// What the two sides of one `offload` share; it lives in the frame of the awaiting coroutine.
template <class Function>
struct OffloadWork {
  std::optional<Function> function;
  /// Held by the pool's thread while it posts the end of the call. The coroutine takes it before it goes on, or it
  /// could destroy its context while that thread is still inside `post`.
  std::mutex posting;
};

template <class Function, class Result>
struct OffloadCall : OffloadWork<Function> {
  std::optional<Result> result;

  void operator()() { result.emplace((*this->function)()); }
};

template <class Function>
struct OffloadCall<Function, void> : OffloadWork<Function> {
  void operator()() { (*this->function)(); }
};

/// Runs `call` on the pool and then completes on the executor of the awaiting coroutine.
///
/// Not `co_spawn`: with a cancellation slot, which `deferred` cannot be without, that of Asio 1.26 posts the signal to
/// the pool with a pointer into the caller's frame, which may be gone when the pool comes to it.
template <class Call>
auto run_on_pool(Call& call) {
  auto initiate = [](auto handler, Call* on) {
    auto work = asio::make_work_guard(asio::get_associated_executor(handler));
    asio::post(offload_pool(), [on, work = std::move(work), handler = std::move(handler)]() mutable {
      std::exception_ptr error;
      try {
        (*on)();
      } catch (...) {
        error = std::current_exception();
      }
      // Here, so that what it holds is released before the caller goes on.
      on->function.reset();
      const std::lock_guard lock(on->posting);
      const auto home = asio::get_associated_executor(handler);
      // Takes the work guard along: nothing of the caller's context is left on this thread.
      asio::post(home, [work = std::move(work), handler = std::move(handler), error = std::move(error)]() mutable {
        std::move(handler)(std::move(error));
      });
    });
  };
  return asio::async_initiate<const asio::deferred_t, void(std::exception_ptr)>(initiate, asio::deferred, &call);
}

/// Waits until the pool's thread has let go of the call.
template <class Call>
class OffloadEnd {
 public:
  explicit OffloadEnd(Call& call) : call_(call) {}
  ~OffloadEnd() { const std::lock_guard left(call_.posting); }
  OffloadEnd(const OffloadEnd&) = delete;
  OffloadEnd& operator=(const OffloadEnd&) = delete;

 private:
  Call& call_;
};

}  // namespace detail

/// Runs `function`, which may block or compute for long, on a thread of its own kind and resumes here with its
/// result. This is how a handler calls a library that knows no coroutines without holding its shard.
///
/// Lifetime: the execution context of the caller outlives the call, which is counted there as work.
/// Cancellation: a function that was handed over runs to its end; the awaiting coroutine waits for it.
/// Errors: whatever `function` throws.
template <class Function>
awaitable<std::invoke_result_t<Function&>> offload(Function function) {
  using Result = std::invoke_result_t<Function&>;
  static_assert(!std::is_reference_v<Result>, "offload: return a value, what a reference names may be gone");
  detail::OffloadCall<Function, Result> call;
  call.function.emplace(std::move(function));
  const detail::OffloadEnd end(call);
  co_await detail::run_on_pool(call);
  if constexpr (!std::is_void_v<Result>) {
    co_return std::move(*call.result);
  }
}

}  // namespace tern
