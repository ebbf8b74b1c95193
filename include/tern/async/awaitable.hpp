#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <coroutine>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace tern {

/// Asio, by a shorter name.
namespace asio = boost::asio;
/// Asio's `this_coro`, such as `this_coro::executor`.
namespace this_coro = boost::asio::this_coro;

/// The executor of a shard.
using executor = asio::any_io_executor;

namespace detail {
template <class T>
class PooledFrame;
}  // namespace detail

/// The coroutine type of every turn. It is an `asio::awaitable` whose frames are cheaper when many coroutines wait.
///
/// A coroutine of this type awaits everything that one of Asio's awaits, and also `asio::awaitable`. A coroutine of
/// Asio's type awaits this one, and `asio::co_spawn` and Asio's `awaitable_operators` take it. A function that returns
/// `asio::awaitable` does not override one that returns `awaitable`.
///
/// Lifetime: an awaitable that is destroyed before its coroutine has ended destroys the coroutine.
template <class T = void>
class [[nodiscard]] awaitable : public asio::awaitable<T, executor> {
 public:
  /// For the compiler: what a coroutine of this type consists of.
  using promise_type = detail::PooledFrame<T>;

  /// Without a coroutine; it cannot be awaited.
  constexpr awaitable() noexcept = default;
  /// A coroutine that awaits `work`, which then costs one frame more.
  awaitable(asio::awaitable<T, executor> work);

 private:
  friend promise_type;
  struct Own {};
  awaitable(asio::awaitable<T, executor> own, Own) noexcept : asio::awaitable<T, executor>(std::move(own)) {}
};

namespace detail {

/// Memory for the frame of a coroutine, from a pool of the thread.
void* take_frame(std::size_t bytes);
/// `bytes`: what it was taken with. Any thread may give it back.
void give_frame(void* memory, std::size_t bytes) noexcept;

/// The coroutines that one `co_spawn` has begun, which run one after another. `co_await this_run` yields which it is.
struct ThisRun {};
inline constexpr ThisRun this_run{};

class Running;
/// A coroutine of `run` waits, and its thread works for others. Yields what `run` works for; nullptr when it has no
/// name.
const Running* pause_running(const void* run) noexcept;
/// The coroutine goes on. `running` has come from `pause_running`, and is not nullptr.
void resume_running(const Running* running, const void* run) noexcept;

/// What a coroutine of Tern awaits otherwise than one of Asio does.
template <class T>
inline constexpr bool awaited_otherwise = std::is_same_v<T, ThisRun>;
template <class T>
inline constexpr bool awaited_otherwise<asio::awaitable<T, executor>> = true;
template <class T>
inline constexpr bool awaited_otherwise<awaitable<T>> = true;

/// Asio's promise, in a frame from a pool of the thread.
///
/// Asio keeps a few frames of any size for reuse, which do while one coroutine runs after another. Of turns that wait
/// for a store, hundreds do at once, each in six frames or more; those went to the heap and back, which was a twelfth
/// of what such a turn cost.
template <class T>
class PooledFrame : public asio::detail::awaitable_frame<T, executor> {
  using Base = asio::detail::awaitable_frame<T, executor>;

  /// Notes that the thread works for others between `pause` and `resume`.
  class Pause {
   public:
    void begin(const PooledFrame& frame) noexcept { running_ = pause_running(frame.run()); }
    void end(const PooledFrame& frame) noexcept {
      if (running_ != nullptr) {
        resume_running(running_, frame.run());
      }
    }

   private:
    const Running* running_ = nullptr;
  };

 public:
  static void* operator new(std::size_t size) { return take_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { give_frame(memory, size); }

  awaitable<T> get_return_object() noexcept { return {Base::get_return_object(), typename awaitable<T>::Own{}}; }

  /// Everything else that Asio awaits.
  template <class Awaited>
    requires(!awaited_otherwise<std::remove_cvref_t<Awaited>>)
  auto await_transform(Awaited&& awaited) {
    using Inner = decltype(Base::await_transform(std::forward<Awaited>(awaited)));
    struct Awaiter {
      Inner inner;
      PooledFrame* self;
      Pause pause;
      bool await_ready() const noexcept { return inner.await_ready(); }
      auto await_suspend(std::coroutine_handle<PooledFrame> frame) {
        pause.begin(*self);
        return inner.await_suspend(frame);
      }
      decltype(auto) await_resume() {
        pause.end(*self);
        return inner.await_resume();
      }
    };
    return Awaiter{Base::await_transform(std::forward<Awaited>(awaited)), this, {}};
  }

  /// A coroutine of Tern. Asio's awaitable looks for its own promise in the handle, which is here at the same place.
  /// Errors: `operation_aborted` when the coroutine is cancelled, as with Asio's own.
  template <class U>
  auto await_transform(awaitable<U> awaited) {
    struct Awaiter {
      asio::awaitable<U, executor> awaited;
      bool await_ready() const noexcept { return awaited.await_ready(); }
      void await_suspend(std::coroutine_handle<PooledFrame> frame) { awaited.await_suspend(as_asios(frame)); }
      U await_resume() { return awaited.await_resume(); }
    };
    return Awaiter{Base::await_transform(std::move(awaited))};
  }

  /// A coroutine of Asio. What it does is not known to be for this run: while it waits, nobody would say so.
  template <class U>
  auto await_transform(asio::awaitable<U, executor> awaited) {
    struct Awaiter {
      asio::awaitable<U, executor> awaited;
      PooledFrame* self;
      Pause pause;
      bool await_ready() const noexcept { return awaited.await_ready(); }
      void await_suspend(std::coroutine_handle<PooledFrame> frame) {
        pause.begin(*self);
        awaited.await_suspend(as_asios(frame));
      }
      U await_resume() {
        pause.end(*self);
        return awaited.await_resume();
      }
    };
    return Awaiter{Base::await_transform(std::move(awaited)), this, {}};
  }

  auto await_transform(ThisRun) const noexcept {
    struct Awaiter {
      const void* run;
      bool await_ready() const noexcept { return true; }
      void await_suspend(std::coroutine_handle<>) const noexcept {}
      const void* await_resume() const noexcept { return run; }
    };
    return Awaiter{run()};
  }

 private:
  static std::coroutine_handle<Base> as_asios(std::coroutine_handle<PooledFrame> frame) noexcept {
    static_assert(sizeof(PooledFrame) == sizeof(Base) && alignof(PooledFrame) == alignof(Base));
    return std::coroutine_handle<Base>::from_address(frame.address());
  }
  const void* run() const noexcept { return this->attached_thread_->entry_point(); }
};

template <class T>
awaitable<T> await_asios(asio::awaitable<T, executor> work) {
  co_return co_await std::move(work);
}

}  // namespace detail

// A frame of Tern's also here, so that all that such an awaitable holds is one.
template <class T>
awaitable<T>::awaitable(asio::awaitable<T, executor> work)
    : awaitable(work.valid() ? detail::await_asios(std::move(work)) : awaitable()) {}

}  // namespace tern

/// @cond
// So that `asio::co_spawn(executor, function, token)` takes a function that returns Tern's awaitable.
namespace boost::asio::detail {
template <class T>
struct awaitable_signature;
template <class T>
struct awaitable_signature<tern::awaitable<T>> : awaitable_signature<awaitable<T, tern::executor>> {};
}  // namespace boost::asio::detail
/// @endcond
