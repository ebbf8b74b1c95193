#pragma once

#include "proactive/limits/send_limits.hpp"
#include "proactive/schedule/scheduler.hpp"
#include "runtime/runtime.hpp"

#include <tern/app/config.hpp>

namespace tern::app {

/// What the keys of the configuration mean for the parts of an app.

runtime::RuntimeOptions runtime_options(const Settings& settings, bool one_per_turn);
proactive::SchedulerOptions scheduler_options(const Settings& settings);
/// Errors: `ConfigError`.
proactive::SendLimits send_limits(const SendLimitSettings& settings);

}  // namespace tern::app
