#pragma once

#include "app/stop_progress.hpp"

#include <tern/async/clock.hpp>

#include <chrono>
#include <memory>

namespace tern::app {

/// The time for a stop beyond `drain.delay` and `drain.deadline`: 2 s for slots and storage, the rest for the end of
/// the threads, the app's parts and the program.
inline constexpr std::chrono::seconds stop_grace{5};

/// Ends the process at `by`, unless it has ended before: with status 1, and with a line in the log that says what the
/// stop was waiting for. It starts a thread that is never joined, because it must outlast even the destructors of
/// static objects.
void end_process_at(SteadyTime by, std::shared_ptr<StopProgress> progress);

}  // namespace tern::app
