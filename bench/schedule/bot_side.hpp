#pragma once

#include "schedule/channel.hpp"
#include "turn/process.hpp"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// A real bot on a store that has been filled.
class RunningBot {
 public:
  /// Starts `program` with these settings. `log` takes what it prints. `core`: the one that it may use; none: all.
  RunningBot(const std::string& program, const std::vector<std::string>& settings, const std::string& log,
             std::optional<int> core = std::nullopt);

  /// Memory that it has for itself now, in bytes: what no other process has too.
  double memory() const;
  /// All that it has in memory now, in bytes, with what it shares: libraries, and a store's files in the system's
  /// cache.
  double resident() const;
  CpuTime cpu() const { return process_->cpu(); }
  /// Waits for a line of its log with `text` in it, behind `mark`. Errors: `std::runtime_error` after 60 s.
  void wait_for(const std::string& text, std::size_t mark = 0) const;
  /// Where its log ends now.
  std::size_t mark() const;
  void signal(int number) const;
  /// SIGKILL, to the end.
  void kill();
  /// SIGTERM. Errors: `std::runtime_error` when it does not end with 0.
  void stop();
  std::int64_t started_us() const noexcept { return started_us_; }

 private:
  double sum_of(const char* file_name, std::initializer_list<std::string_view> names) const;

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
