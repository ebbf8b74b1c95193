#pragma once

#include <tern/async/running.hpp>
#include <tern/schema/block_pool.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <coroutine>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace tern {

namespace asio = boost::asio;
namespace this_coro = boost::asio::this_coro;

/// The coroutine type of every turn: Asio's own, so that a bot can await anything written for Asio.
template <class T = void>
using awaitable = asio::awaitable<T>;

/// The executor of a shard.
using executor = asio::any_io_executor;

namespace detail {

struct CoroutineFrame;

template <class T>
inline constexpr bool is_awaitable = false;
template <class T>
inline constexpr bool is_awaitable<asio::awaitable<T, executor>> = true;

/// Asio's promise, whose frame comes from a pool of the thread.
///
/// Asio keeps a few frames of any size for reuse, which do while one coroutine runs after another. Of turns that wait
/// for a store, hundreds do at once, each in six frames or more; those went to the heap and back, which was a twelfth
/// of what such a turn cost.
template <class T>
class PooledFrame : public asio::detail::awaitable_frame<T, executor> {
  using Base = asio::detail::awaitable_frame<T, executor>;
  static constexpr std::size_t block_step = 16;  // a turn that waits for long is counted in bytes
  static constexpr std::size_t largest_block = 4096;
  static constexpr std::size_t most_bytes_of_blocks = 2U << 20;
  using Blocks = BlockPool<CoroutineFrame, block_step, largest_block, most_bytes_of_blocks>;

 public:
  static void* operator new(std::size_t size) { return Blocks::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { Blocks::deallocate(memory, size); }

  /// Whatever Asio awaits besides its awaitable. While the coroutine waits the thread works for others; a coroutine
  /// that begins anew (`co_spawn`) works for nobody yet.
  template <class Awaited>
    requires(!is_awaitable<std::remove_cvref_t<Awaited>>)
  auto await_transform(Awaited&& awaited) {
    using Inner = decltype(Base::await_transform(std::forward<Awaited>(awaited)));
    struct Awaiter {
      Inner inner;
      const Running* running;
      bool await_ready() const noexcept { return inner.await_ready(); }
      auto await_suspend(std::coroutine_handle<PooledFrame> frame) {
        running_slot.set(nullptr);
        if constexpr (std::is_same_v<T, asio::detail::awaitable_thread_entry_point>) {
          running = nullptr;
        }
        return inner.await_suspend(frame);
      }
      decltype(auto) await_resume() {
        running_slot.set(running);
        return inner.await_resume();
      }
    };
    return Awaiter{Base::await_transform(std::forward<Awaited>(awaited)), running_slot.now()};
  }
  /// Asio's awaitable looks for its own promise in the handle, which is here at the same place.
  /// Errors: `operation_aborted` when the coroutine is cancelled, as with Asio's own.
  template <class U>
  auto await_transform(asio::awaitable<U, executor> awaited) const {
    static_assert(sizeof(PooledFrame) == sizeof(Base) && alignof(PooledFrame) == alignof(Base));
    struct Awaiter {
      asio::awaitable<U, executor> awaited;
      bool await_ready() const noexcept { return awaited.await_ready(); }
      void await_suspend(std::coroutine_handle<PooledFrame> frame) {
        awaited.await_suspend(std::coroutine_handle<Base>::from_address(frame.address()));
      }
      U await_resume() { return awaited.await_resume(); }
    };
    return Awaiter{Base::await_transform(std::move(awaited))};
  }
};

}  // namespace detail

}  // namespace tern

/// For coroutines that return Asio's awaitable. Include a header of Tern before the first of them; a file that does not
/// has them with Asio's own frames, which await these and are awaited by them.
template <class T, class... Args>
struct std::coroutine_traits<boost::asio::awaitable<T, boost::asio::any_io_executor>, Args...> {
  using promise_type = tern::detail::PooledFrame<T>;
};
