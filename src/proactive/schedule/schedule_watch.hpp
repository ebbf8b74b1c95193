#pragma once

#include <tern/async/metrics.hpp>
#include <tern/async/timer.hpp>
#include <tern/storage/any_storage.hpp>

#include <cstdint>

namespace tern::proactive {

/// The figures of the whole schedule, whoever owns its slots; the store is asked every `interval`. The number of sends
/// that are due in each of the next 24 hours is estimated for six hours at a time, so that no lane is busy for long.
///
/// Thread safety: of one shard.
class ScheduleWatch {
 public:
  ScheduleWatch(executor ex, AnyStorage schedule, Clock& clock, SteadyTime::duration storage_timeout, Metrics& metrics,
                SteadyTime::duration interval);

  /// Until `stop`.
  awaitable<void> run();
  void stop();

 private:
  awaitable<void> look();
  awaitable<void> estimate_hour(unsigned hour);

  AnyStorage schedule_;
  Clock& clock_;
  SteadyTime::duration storage_timeout_;
  SteadyTime::duration interval_;
  Metrics& metrics_;
  Gauge pending_;
  Gauge oldest_due_;
  Timer timer_;
  unsigned looks_ = 0;
  unsigned next_hour_ = 0;
  bool stopping_ = false;
};

}  // namespace tern::proactive
