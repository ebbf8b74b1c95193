#pragma once

#include <tern/async/metrics.hpp>

namespace tern::app {

/// Adds what every exporter of Prometheus says of its process, under the names that it has everywhere: `process_*`.
void add_process_figures(Metrics& metrics);

}  // namespace tern::app
