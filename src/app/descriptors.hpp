#pragma once

#include <cstddef>

namespace tern::app {

/// What the descriptors of the process are for. What is left of them, a quarter and at least 64, is for outgoing
/// connections, which have half of it, metrics.port, storage, the log and files.
struct DescriptorPlan {
  std::size_t connections = 0;          ///< that the bot's listener may hold; at least one
  std::size_t refusals = 0;             ///< that were told 503 and are only being closed; at least one
  std::size_t outgoing = 0;             ///< to channels, out of the reserve; at least one
  std::size_t metrics_connections = 0;  ///< of the listener of metrics.port, out of the reserve; at least one
};

/// `limit`: the most descriptors that the process may have. `wanted`: limits.connections.
DescriptorPlan plan_descriptors(std::size_t limit, std::size_t wanted) noexcept;

/// Raises the soft limit of the process to the hard one, as far as the system lets it. The limit in force.
/// Thread safety: any thread; the limit is the process's.
std::size_t raise_descriptor_limit() noexcept;

}  // namespace tern::app
