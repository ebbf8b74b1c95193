#include "connector/connector_figures.hpp"

#include <chrono>
#include <cstddef>

namespace tern::connector {

namespace {

// In the order of `Outcome`.
constexpr std::array outcome_names{"ok",      "rejected", "ambiguous",  "unreachable",
                                   "refused", "timeout",  "overloaded", "no_token"};

// In the order of `Resolution::End`.
constexpr std::array resolution_names{"found", "no_such_name", "failed", "late"};

}  // namespace

ConnectorFigures::ConnectorFigures(Metrics& metrics) {
  for (const char* name : outcome_names) {
    outcomes_.push_back(
        metrics.counter("tern_connector_requests_total", "Requests to channels by outcome.", {{"outcome", name}}));
  }
  late_answers_ =
      metrics.counter("tern_connector_late_answers_total", "Requests that a channel took and did not answer in time.");
  renewals_ = metrics.counter("tern_connector_token_renewals_total",
                              "Requests that were sent again with another token after a 401.");
  for (const char* name : outcome_names) {
    seconds_.push_back(metrics.histogram("tern_connector_seconds", "Time from a request's beginning to its end.",
                                         {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15},
                                         {{"outcome", name}}));
  }
}

Gauge ConnectorFigures::connections(Metrics& metrics) {
  return metrics.gauge("tern_connector_connections", "Open connections to channels, used and kept.");
}

std::array<Counter, 4> ConnectorFigures::resolutions(Metrics& metrics) {
  std::array<Counter, 4> counters;
  for (std::size_t i = 0; i < counters.size(); ++i) {
    counters[i] =
        metrics.counter("tern_connector_resolutions_total", "Names of channels that were asked for, by outcome.",
                        {{"outcome", resolution_names[i]}});
  }
  return counters;
}

void ConnectorFigures::count(Outcome outcome, SteadyTime::duration took) noexcept {
  const auto at = static_cast<std::size_t>(outcome);
  seconds_[at].observe(std::chrono::duration<double>(took).count());
  outcomes_[at].inc();
}

}  // namespace tern::connector
