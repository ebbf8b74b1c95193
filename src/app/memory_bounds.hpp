#pragma once

#include <tern/app/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tern::app {

/// One bound, as memory.
struct MemoryBound {
  std::string what;         ///< what takes it, such as "requests"
  std::string keys;         ///< the keys that bound it, separated by commas
  std::uint64_t count = 0;  ///< at most so many
  std::uint64_t each = 0;   ///< bytes of each
  std::uint64_t bytes() const noexcept;
};

/// What the bounds of `settings` let Tern take at most, when all of them are reached at once with the most wasteful
/// content; 2^64 - 1 stands for more. Not in it, because no bound of Tern's is: what handlers and background work keep,
/// the answers that they make, the program itself with its libraries and stacks (some 30 MiB), and what the memory of a
/// process takes beyond what was asked of it.
/// `shards`: how many there are, at least 1.
std::vector<MemoryBound> memory_bounds(const Settings& settings, std::size_t shards);

/// The sum of `bounds`; 2^64 - 1 when it is more.
std::uint64_t sum_of(const std::vector<MemoryBound>& bounds) noexcept;

/// A line for each, the largest first, and the sum.
std::string describe(const std::vector<MemoryBound>& bounds);

/// `listen.threads`, or a shard for each core when it is 0.
std::size_t shard_count(const Settings& settings) noexcept;

}  // namespace tern::app
