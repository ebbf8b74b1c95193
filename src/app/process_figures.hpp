#pragma once

#include <tern/async/metrics.hpp>

namespace tern::app {

/// Adds the figures of the process under their usual names in Prometheus, `process_*`.
void add_process_figures(Metrics& metrics);

}  // namespace tern::app
