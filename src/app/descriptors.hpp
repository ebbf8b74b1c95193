#pragma once

#include <cstddef>

namespace tern::app {

/// How the descriptors of the process are divided. A quarter of them, at least 64, is a reserve: half of it for
/// outgoing connections, the rest for metrics.port, storage, the log and files.
struct DescriptorPlan {
  std::size_t connections = 0;          ///< for open connections of the bot's listener; at least one
  std::size_t refusals = 0;             ///< for connections that were answered 503 and are being closed; at least one
  std::size_t outgoing = 0;             ///< for connections to channels, from the reserve; at least one
  std::size_t metrics_connections = 0;  ///< for the listener of metrics.port, from the reserve; at least one
};

/// `limit`: the most descriptors that the process may have. `wanted`: limits.connections.
DescriptorPlan plan_descriptors(std::size_t limit, std::size_t wanted) noexcept;

/// The limit that `raise_descriptor_limit` would set.
std::size_t most_descriptors() noexcept;

/// Raises the soft limit of the process to the hard limit, if the system allows it. Returns the limit in force.
/// Thread safety: any thread; the limit is that of the process.
std::size_t raise_descriptor_limit() noexcept;

}  // namespace tern::app
