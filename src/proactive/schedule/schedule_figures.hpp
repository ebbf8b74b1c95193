#pragma once

#include "proactive/limits/limiter.hpp"
#include "proactive/limits/send_policy.hpp"

#include <tern/async/metrics.hpp>

#include <cstddef>
#include <string_view>

namespace tern::proactive {

/// The figures of all schedulers of a process.
struct ScheduleFigures {
  explicit ScheduleFigures(Metrics& metrics);
  Counter sent, retried, dead, expired, possible_duplicates, refused, suspects;
  Counter throttled_conversation, throttled_tenant, throttled_bot;
  Counter said_unauthorized, said_barred, said_gone, said_astray;
  Counter dead_gone, dead_rejected, dead_once, dead_too_late, dead_other;
  Counter pauses;
  Counter tries;
  Gauge open_hosts, open_tenants, waiting_for_share;
  void throttled(Limiter::Frozen what) noexcept;
  void refused_by_channel(Verdict::Refusal what) noexcept;
  /// Counts a dead send, by its reason.
  void given_up(std::string_view reason) noexcept;
  Histogram late_by_scheduler, late_by_limiter, late_by_connector;
};

/// The part of one scheduler in the gauges that all schedulers of a process share.
class ShownShares {
 public:
  /// Lifetime: the figures outlive it.
  explicit ShownShares(ScheduleFigures& figures) : figures_(figures) {}

  /// It is so much now.
  void show(std::size_t open_hosts, std::size_t open_tenants, std::size_t waiting);

 private:
  ScheduleFigures& figures_;
  std::size_t open_hosts_ = 0;
  std::size_t open_tenants_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace tern::proactive
