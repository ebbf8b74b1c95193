#pragma once

#include "app/stop_progress.hpp"

#include <tern/async/clock.hpp>

#include <chrono>
#include <memory>

namespace tern::app {

/// What a stop may take beyond `drain.delay` and `drain.deadline`: 2 s for slots and storage, then the end of threads,
/// of the app's parts and of the program.
inline constexpr std::chrono::seconds stop_grace{5};

/// Ends the process at `by`, with status 1 and a line on the log that says what held it, unless it has ended before.
/// A thread that nobody joins: it must outlast even the destructors of static objects. It costs nothing until this
/// call.
void end_process_at(SteadyTime by, std::shared_ptr<StopProgress> progress);

}  // namespace tern::app
