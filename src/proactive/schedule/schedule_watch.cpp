#include "proactive/schedule/schedule_watch.hpp"

#include <tern/error.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace tern::proactive {

namespace {

constexpr unsigned hours = 24;
constexpr unsigned hours_at_a_time = 6;  // once all are known

}  // namespace

ScheduleWatch::ScheduleWatch(executor ex, AnyStorage schedule, Clock& clock, SteadyTime::duration storage_timeout,
                             Metrics& metrics, SteadyTime::duration interval)
    : schedule_(std::move(schedule)),
      clock_(clock),
      storage_timeout_(storage_timeout),
      interval_(interval),
      metrics_(metrics),
      pending_(metrics.gauge("tern_pending_sends", "Pending sends in the store, of all processes that share it.")),
      oldest_due_(metrics.gauge("tern_schedule_oldest_due_seconds",
                                "How long the pending send that is due first has been due; 0: it is not due yet.")),
      timer_(clock, std::move(ex)) {}

awaitable<void> ScheduleWatch::run() {
  while (!stopping_) {
    try {
      co_await look();
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted) {
        throw;
      }
      // The figures stay as they are: the log tells of the outage.
    }
    if (!stopping_) {
      co_await timer_.wait_for(interval_);
    }
  }
}

void ScheduleWatch::stop() {
  stopping_ = true;
  timer_.cancel();
}

awaitable<void> ScheduleWatch::look() {
  const auto counted = co_await schedule_.count_sends(Deadline::after(storage_timeout_, clock_));
  pending_.set(static_cast<double>(counted.pending));
  const auto late = counted.oldest ? clock_.wall_now() - *counted.oldest : WallTime::duration::zero();
  oldest_due_.set(std::max(0.0, std::chrono::duration<double>(late).count()));
  // Not at the very start, when there is enough to read; then all of them, and after that a few at a time.
  const auto count = looks_ == 0 ? 0U : looks_ == 1 ? hours : hours_at_a_time;
  ++looks_;
  for (unsigned i = 0; i < count && !stopping_; ++i) {
    co_await estimate_hour(next_hour_);
    next_hour_ = (next_hour_ + 1) % hours;
  }
}

awaitable<void> ScheduleWatch::estimate_hour(unsigned hour) {
  const auto now = clock_.wall_now();
  const auto from = hour == 0 ? WallTime() : now + std::chrono::hours(hour);  // what is late is due in the first hour
  const auto until = now + std::chrono::hours(hour + 1);
  const auto due = co_await schedule_.estimate_due(from, until, Deadline::after(storage_timeout_, clock_));
  // Made only now: until it is known there is no figure, rather than a wrong one.
  metrics_
      .gauge("tern_pending_sends_by_hour",
             "Pending sends that are due in the hour that begins so many hours from now; many are estimated.",
             {{"hour", std::to_string(hour)}})
      .set(static_cast<double>(due));
}

}  // namespace tern::proactive
