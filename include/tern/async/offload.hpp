#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/thread_pool.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace tern {

/// The threads that `offload` uses: as many as the machine has cores, at least two. They live as long as the program.
asio::thread_pool& offload_pool();

/// Runs `function`, which may block or compute for long, on a thread of its own kind and resumes here with its
/// result. This is how a handler calls a library that knows no coroutines without holding its shard.
///
/// Lifetime: the execution context of the caller outlives the call; it is counted as work there.
/// Cancellation: a function that was handed over runs to its end; the awaiting coroutine waits for it.
/// Errors: whatever `function` throws.
template <class Function>
awaitable<std::invoke_result_t<Function&>> offload(Function function) {
  using Result = std::invoke_result_t<Function&>;
  static_assert(!std::is_reference_v<Result>, "offload: return a value, a reference may not outlive its thread");
  // Without a cancellation slot. With one, Asio 1.26 posts the signal to the pool with a pointer into the caller's
  // frame, which may be gone when the pool comes to it.
  const auto token = asio::bind_cancellation_slot(asio::cancellation_slot{}, asio::deferred);
  // The coroutines capture nothing: the callable is moved into their own frame, and gone before the caller resumes.
  if constexpr (std::is_void_v<Result>) {
    auto run = [](Function call) -> awaitable<void> {
      call();
      co_return;
    };
    co_await asio::co_spawn(offload_pool(), run(std::move(function)), token);
  } else {
    // Asio wants a result that can be made by default, for when there is an exception instead.
    auto run = [](Function call) -> awaitable<std::optional<Result>> { co_return std::optional<Result>(call()); };
    auto value = co_await asio::co_spawn(offload_pool(), run(std::move(function)), token);
    co_return std::move(*value);
  }
}

}  // namespace tern
