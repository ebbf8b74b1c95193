#pragma once

#include "schedule/channel.hpp"
#include "turn/process.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// A real bot on a store that has been filled.
class RunningBot {
 public:
  /// Starts `program` with these settings. `log` takes what it prints.
  RunningBot(const std::string& program, const std::vector<std::string>& settings, const std::string& log);

  /// Memory that it has for itself now, in bytes: what no other process has too.
  double memory() const;
  CpuTime cpu() const { return process_->cpu(); }
  /// SIGTERM. Errors: `std::runtime_error` when it does not end with 0.
  void stop();
  std::int64_t started_us() const noexcept { return started_us_; }

 private:
  std::string log_;
  std::int64_t started_us_;
  std::unique_ptr<Process> process_;
};

/// What arrived of a burst or a stream of sends.
struct ArrivalFigures {
  double per_second = 0;  ///< from the first to the last
  double p50_ms = 0;
  double p99_ms = 0;
  double worst_ms = 0;
  std::size_t early = 0;
};
ArrivalFigures figures_of(std::vector<Channel::Arrival> arrivals);

}  // namespace bench
