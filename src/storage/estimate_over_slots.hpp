#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage/schedule_types.hpp>

#include <array>
#include <cstdint>

namespace tern::detail {

/// Where the count of one slot ends: its owner has other things to do. An hour in which more are due than 64 times this
/// is told too small.
constexpr std::uint64_t most_counted_in_slot = 20'000;

/// How many sends there are in all slots, from a count of some of them: sends lie in slots by a hash, so that some
/// slots tell of all, and a thousand that were counted put the error at about 3 %. Exact when there are fewer.
/// `count(first, end)` counts the slots from `first` on and before `end`; it is called at most three times.
template <class Count>
std::uint64_t estimate_over_slots(WallTime from, WallTime until, Count count) {
  constexpr std::uint64_t enough = 1000;
  constexpr std::array<std::uint16_t, 3> steps{1, 8, slot_count};
  if (until <= from) {
    return 0;
  }
  std::uint64_t counted = 0;
  std::uint16_t slots = 0;
  for (const auto end : steps) {
    counted += count(slots, end);
    slots = end;
    if (counted >= enough) {
      break;
    }
  }
  return (counted * slot_count + slots / 2) / slots;
}

}  // namespace tern::detail
