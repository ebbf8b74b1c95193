#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <type_traits>
#include <utility>

namespace tern {

/// The threads that `offload` uses: as many as the machine has cores, at least two. They live as long as the program.
asio::thread_pool& offload_pool();

/// Runs `function`, which may block or compute for long, on a thread of its own kind and resumes here with its
/// result. This is how a handler calls a library that knows no coroutines without holding its shard.
///
/// Cancellation: a function that has begun runs to its end; the awaiting coroutine waits for it.
/// Errors: whatever `function` throws.
template <class Function>
awaitable<std::invoke_result_t<Function&>> offload(Function function) {
  using Result = std::invoke_result_t<Function&>;
  // Captures nothing: the callable is moved into the coroutine's own frame.
  auto run = [](Function call) -> awaitable<Result> { co_return call(); };
  if constexpr (std::is_void_v<Result>) {
    co_await asio::co_spawn(offload_pool(), run(std::move(function)), asio::deferred);
  } else {
    auto value = co_await asio::co_spawn(offload_pool(), run(std::move(function)), asio::deferred);
    co_return value;
  }
}

}  // namespace tern
