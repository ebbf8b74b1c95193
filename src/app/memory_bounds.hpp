#pragma once

#include "app/descriptors.hpp"

#include <tern/app/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tern::app {

/// The memory that one bound allows.
struct MemoryBound {
  std::string what;         ///< the things that take the memory, such as "requests"
  std::string keys;         ///< the keys that bound them, separated by commas
  std::uint64_t count = 0;  ///< the most things
  std::uint64_t each = 0;   ///< the most bytes of each
  std::uint64_t bytes() const noexcept;
};

/// The most memory that the bounds of `settings` allow, when all of them are reached at once with the most wasteful
/// content; 2^64 - 1 stands for more. It does not contain memory that Tern does not bound: the memory of handlers and
/// background work, the answers that they make, the program with its libraries and stacks (about 30 MiB), and the
/// overhead of the heap. `shards`: at least 1. `descriptors`: also bounds connections.
std::vector<MemoryBound> memory_bounds(const Settings& settings, std::size_t shards, const DescriptorPlan& descriptors);

/// The sum of `bounds`; 2^64 - 1 when it is more.
std::uint64_t sum_of(const std::vector<MemoryBound>& bounds) noexcept;

/// A text with a line for each bound, the largest first, and the sum.
std::string describe(const std::vector<MemoryBound>& bounds);

/// The number of shards: `listen.threads`, or the number of cores when it is 0.
std::size_t shard_count(const Settings& settings) noexcept;

}  // namespace tern::app
