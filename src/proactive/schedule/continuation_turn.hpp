#pragma once

#include "runtime/runtime.hpp"

#include <tern/async/awaitable.hpp>

namespace tern::proactive {

/// Runs the turn of a continuation on the shard of its conversation, and returns when it has ended; the caller goes on
/// where it was.
/// Errors: what the turn fails with.
awaitable<void> run_continuation(runtime::Runtime& runtime, runtime::Continuation continuation);

/// Returns once the turn stands in its conversation's queue, or has begun: from then on it runs, or the log says why
/// not. Errors: `errc::overloaded`, `errc::shutting_down`: it does not run.
awaitable<void> queue_continuation(runtime::Runtime& runtime, runtime::Continuation continuation);

}  // namespace tern::proactive
