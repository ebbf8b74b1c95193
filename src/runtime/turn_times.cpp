#include "runtime/turn_times.hpp"

#include <algorithm>

namespace tern::runtime {

std::size_t TurnTimes::index_of(std::string_view type) noexcept {
  const auto known_end = types.begin() + continuation;
  const auto found = std::find(types.begin(), known_end, type);
  return found != known_end ? static_cast<std::size_t>(found - types.begin()) : other;
}

void TurnTimes::add(std::size_t type, std::chrono::nanoseconds took) noexcept {
  const auto seconds = std::chrono::duration<double>(took).count();
  auto& times = times_[type];
  // Nearly all turns are short, so a linear search is fast.
  std::size_t bucket = 0;
  while (bucket < buckets.size() && seconds > buckets[bucket]) {
    ++bucket;
  }
  auto& count = times.counts[bucket];
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  times.sum.store(times.sum.load(std::memory_order_relaxed) + seconds, std::memory_order_relaxed);
}

void TurnTimes::read(std::size_t type, Distribution& all) const {
  const auto& times = times_[type];
  all.counts.resize(times.counts.size());
  for (std::size_t i = 0; i < times.counts.size(); ++i) {
    all.counts[i] += times.counts[i].load(std::memory_order_relaxed);
  }
  all.sum += times.sum.load(std::memory_order_relaxed);
}

}  // namespace tern::runtime
