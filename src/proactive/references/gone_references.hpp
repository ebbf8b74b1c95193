#pragma once

#include "runtime/runtime.hpp"

#include <tern/storage/schedule_types.hpp>

#include <boost/json/object.hpp>

namespace tern::proactive {

/// Whether a stored reference is marked as gone: the channel does not know its conversation any more.
bool is_gone(const json::object& reference);

/// Takes that mark off the stored reference of a send, where it has one.
/// Errors: those of the store.
awaitable<void> mark_found(detail::TurnEnvironment& environment, ScheduledSend send);

/// Marks the stored reference of a send that its channel refused for good, so that the reference is not found any
/// more. The user's next message writes it anew. A reference that was never stored is not made.
///
/// Lifetime: `runtime` outlives the work that this begins on `ex`.
/// Thread safety: on `ex`.
void mark_gone(executor ex, runtime::Runtime& runtime, detail::TurnEnvironment& environment, const ScheduledSend& send);

}  // namespace tern::proactive
