#pragma once

#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>

#include <array>
#include <vector>

namespace tern::connector {

/// The outcome of a call in `tern_connector_requests_total`. A cancelled call is not counted.
enum class Outcome { ok, rejected, ambiguous, unreachable, refused, timeout, overloaded, no_token };

/// The figures of a connector in /metrics.
class ConnectorFigures {
 public:
  explicit ConnectorFigures(Metrics& metrics);

  /// The gauge of open connections, for `net::OpenConnections`.
  static Gauge connections(Metrics& metrics);
  /// The counters of resolved names, for `net::ClientCore`.
  static std::array<Counter, 4> resolutions(Metrics& metrics);

  /// A call has ended.
  void count(Outcome outcome, SteadyTime::duration took) noexcept;
  /// A channel took a request and did not answer in time.
  void late_answer() noexcept { late_answers_.inc(); }
  /// A request is sent again with another token.
  void renewal() noexcept { renewals_.inc(); }

 private:
  std::vector<Counter> outcomes_;
  std::vector<Histogram> seconds_;
  Counter late_answers_;
  Counter renewals_;
};

}  // namespace tern::connector
