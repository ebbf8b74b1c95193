#include "app/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

namespace tern::app {

namespace {

constexpr std::size_t least_reserve = 64;
constexpr std::size_t most_refusals = 256;
constexpr std::size_t most_metrics = 256;
constexpr std::size_t most_outgoing = 1'000'000;

std::size_t count_of(rlim_t limit) noexcept {
  return limit == RLIM_INFINITY ? std::numeric_limits<std::size_t>::max() : limit;
}

}  // namespace

DescriptorPlan plan_descriptors(std::size_t limit, std::size_t wanted) noexcept {
  const auto reserve = std::max(limit / 4, least_reserve);
  const auto rest = limit > reserve + 2 ? limit - reserve : 2;
  DescriptorPlan plan;
  plan.refusals = std::clamp<std::size_t>(rest / 8, 1, most_refusals);
  plan.connections = std::clamp<std::size_t>(wanted, 1, rest - plan.refusals);
  const auto unused = rest - std::min(rest, plan.connections + plan.refusals);
  plan.outgoing = std::min(reserve / 2 + unused, most_outgoing);
  plan.metrics_connections = std::clamp<std::size_t>(reserve / 8, 1, most_metrics);
  return plan;
}

std::size_t most_descriptors() noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? count_of(limit.rlim_max) : std::numeric_limits<std::size_t>::max();
}

std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::numeric_limits<std::size_t>::max();
  }
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = raised.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      limit = raised;
    }
  }
  return count_of(limit.rlim_cur);
}

}  // namespace tern::app
