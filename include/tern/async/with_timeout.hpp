#pragma once

#include <tern/async/deadline.hpp>

#include <optional>
#include <utility>

namespace tern {

namespace detail {
/// Runs `work` against `by`. True: work ended (its exception is rethrown); false: time was up, work was cancelled.
awaitable<bool> race(asio::awaitable<void, executor> work, Deadline by, Clock& clock);

template <class T>
awaitable<void> store(asio::awaitable<T, executor> work, std::optional<T>& into) {
  auto value = co_await std::move(work);
  into.emplace(std::move(value));
}
}  // namespace detail

/// Awaits `work`, at most until `by`. With a deadline that has passed already, `work` does not begin.
///
/// The outcome of `work` is never lost. When the time is up and `work` ends with a value all the same, or with an
/// exception other than `operation_aborted`, that value or exception is the outcome.
///
/// Cancellation: passed on to `work`. When the time is up, `work` receives terminal cancellation, and this call waits
/// for
///   its end. So objects that `work` refers to outlive this call.
/// Errors: the exception of `work`; `errc::timed_out` when time was up.
template <class T>
awaitable<T> with_timeout(asio::awaitable<T, executor> work, Deadline by, Clock& clock = system_clock());

template <>
awaitable<void> with_timeout(asio::awaitable<void, executor> work, Deadline by, Clock& clock);

namespace detail {
[[noreturn]] void throw_timed_out();
}

template <class T>
awaitable<T> with_timeout(asio::awaitable<T, executor> work, Deadline by, Clock& clock) {
  std::optional<T> value;
  auto stored = detail::store(std::move(work), value);
  const bool ended = co_await detail::race(std::move(stored), by, clock);
  if (!ended) {
    detail::throw_timed_out();
  }
  co_return std::move(*value);
}

}  // namespace tern
