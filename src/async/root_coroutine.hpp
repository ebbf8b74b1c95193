#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tern::detail {

/// A coroutine that no coroutine awaits, so it reports its own end. `begin` starts it.
///
/// `asio::co_spawn` puts a second coroutine around the coroutine that it starts, and goes twice through the event loop
/// even when that coroutine never waits. In an empty turn this took more than a third of the time. `co_spawn` cannot
/// know on which thread it is called; the caller of `begin` does.
using RootCoroutine = awaitable<asio::detail::awaitable_thread_entry_point>;

/// Runs `root` until it first waits.
///
/// Preconditions: called on the thread of `ex`, by a caller that `root` may call again before `begin` returns. `root`
/// does not throw: an exception leaves `begin` before the first wait, and the event loop after it.
/// Cancellation: by `slot`, terminal only. The signal lives until the last wait of `root` has ended.
inline void begin(RootCoroutine root, const executor& ex, asio::cancellation_slot slot) {
  asio::detail::awaitable_handler<executor, void>(std::move(root), ex, slot, asio::cancellation_state(slot)).launch();
}

}  // namespace tern::detail
