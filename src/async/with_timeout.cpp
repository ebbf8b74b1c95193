#include <tern/async/with_timeout.hpp>

#include "async/describe_error.hpp"

#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <exception>
#include <utility>

namespace tern {

namespace detail {

// `work || timer` cannot be used: with operator|| an operation that fails waits for the timer, and its exception is
// lost.
awaitable<bool> race(asio::awaitable<void, executor> work, Deadline by, Clock& clock) {
  if (by.is_never()) {
    co_await std::move(work);
    co_return true;
  }
  if (by.expired(clock)) {
    co_return false;
  }
  const executor ex = co_await this_coro::executor;
  Timer timer(clock, ex);
  auto group = asio::experimental::make_parallel_group(asio::co_spawn(ex, std::move(work), asio::deferred),
                                                       asio::co_spawn(ex, timer.wait_until(by.when()), asio::deferred));
  const auto [order, work_error, timer_error, time_came] =
      co_await std::move(group).async_wait(asio::experimental::wait_for_one(), asio::deferred);
  if (!work_error) {
    co_return true;
  }
  // The error of the work counts, unless this timer has cancelled the work: that means a time-out.
  const bool timer_first = order[0] == 1;
  if (timer_first && has_code(work_error, asio::error::operation_aborted)) {
    if (!timer_error && time_came) {
      co_return false;
    }
    if (timer_error) {
      std::rethrow_exception(timer_error);
    }
  }
  std::rethrow_exception(work_error);
}

void throw_timed_out() {
  throw_error(errc::timed_out, "the operation did not end by its deadline; allow it more time, or find its slow part");
}

}  // namespace detail

template <>
awaitable<void> with_timeout(asio::awaitable<void, executor> work, Deadline by, Clock& clock) {
  const bool ended = co_await detail::race(std::move(work), by, clock);
  if (!ended) {
    detail::throw_timed_out();
  }
}

}  // namespace tern
