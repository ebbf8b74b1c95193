#pragma once

#include "proactive/limits/send_limits.hpp"
#include "proactive/schedule/scheduler.hpp"
#include "runtime/runtime.hpp"

#include <tern/app/config.hpp>

namespace tern::app {

/// These functions turn the configuration into the options of an app's parts.

runtime::RuntimeOptions runtime_options(const Settings& settings, bool one_per_turn);
proactive::SchedulerOptions scheduler_options(const Settings& settings);
/// Errors: `ConfigError`.
proactive::SendLimits send_limits(const SendLimitSettings& settings);

}  // namespace tern::app
