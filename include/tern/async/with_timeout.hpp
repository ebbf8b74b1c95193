#pragma once

#include <tern/async/deadline.hpp>

#include <optional>
#include <utility>

namespace tern {

namespace detail {
/// Runs `work` against `by`. True: work ended (its exception is rethrown); false: time was up, work was cancelled.
awaitable<bool> race(awaitable<void> work, Deadline by, Clock& clock);

template <class T>
awaitable<void> store(awaitable<T> work, std::optional<T>& into) {
  auto value = co_await std::move(work);
  into.emplace(std::move(value));
}
}  // namespace detail

/// Awaits `work`, at most until `by`. With a deadline that has passed already, `work` does not begin.
///
/// The outcome of `work` is never lost: when it ends by itself although time is up, with a value or with an
/// exception other than `operation_aborted`, that is the outcome.
///
/// Cancellation: passed on to `work`. When time is up `work` receives terminal cancellation and is waited for,
/// so nothing it refers to may end before this call does.
/// Errors: the exception of `work`; `errc::timed_out` when time was up.
template <class T>
awaitable<T> with_timeout(awaitable<T> work, Deadline by, Clock& clock = system_clock());

template <>
awaitable<void> with_timeout(awaitable<void> work, Deadline by, Clock& clock);

namespace detail {
[[noreturn]] void throw_timed_out();
}

template <class T>
awaitable<T> with_timeout(awaitable<T> work, Deadline by, Clock& clock) {
  std::optional<T> value;
  auto stored = detail::store(std::move(work), value);
  const bool ended = co_await detail::race(std::move(stored), by, clock);
  if (!ended) {
    detail::throw_timed_out();
  }
  co_return std::move(*value);
}

}  // namespace tern
