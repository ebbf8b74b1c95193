#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage/schedule_types.hpp>

#include <array>
#include <cstdint>

namespace tern::detail {

/// The most sends that are counted in one slot: its owner has other things to do. An hour with more than 64 times as
/// many due sends is reported too small.
constexpr std::uint64_t most_counted_in_slot = 20'000;

/// The number of sends in all slots, from the count of some slots. A hash spreads sends over the slots, so some slots
/// stand for all, and a thousand counted sends give an error of about 3 %. The number is exact when there are fewer.
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
