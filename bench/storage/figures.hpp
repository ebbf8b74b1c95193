#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// The processor time of this process so far, in microseconds.
double process_cpu_us();

/// What one measurement found.
struct OpFigures {
  std::uint64_t operations = 0;
  double per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
  double cpu_us = 0;         ///< of this process, for each operation
  double batch = 0;          ///< operations that went to the library at once, on average; 0 when that is not known
  std::uint64_t stalls = 0;  ///< how often a handler held the shard longer than 20 ms; 0 where there is no shard
};

/// Takes the time of operations from `begin` to `end`.
class OpClock {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit OpClock(double seconds);
  /// False once the time is over.
  bool running() const { return std::chrono::steady_clock::now() < until_; }
  void add(Time begun) {
    took_.push_back(std::chrono::duration<float, std::micro>(std::chrono::steady_clock::now() - begun).count());
  }
  /// As `add`, for `count` operations that ended together.
  void add_batch(Time begun, std::size_t count) {
    add(begun);
    batched_ += count;
  }
  OpFigures figures();

 private:
  Time begun_;
  Time until_;
  double cpu_;
  std::vector<float> took_;
  std::uint64_t batched_ = 0;
};

/// How long the disk takes to have 4 KiB for good, in microseconds.
struct SyncFigures {
  double p50_us = 0;
  double p99_us = 0;
};
SyncFigures measure_fsync(const std::string& folder);

}  // namespace bench
