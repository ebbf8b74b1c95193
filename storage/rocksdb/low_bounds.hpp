#pragma once

#include "schedule_keys.hpp"

#include <array>
#include <mutex>
#include <utility>
#include <vector>

namespace tern::detail::rocks {

/// From where on each slot holds anything: a search that begins there does not meet what was deleted. RocksDB walks
/// over what was deleted until it is compacted, which takes 300 ms for a million sends.
///
/// Thread safety: any thread.
class LowBounds {
 public:
  /// Before this place a slot holds nothing.
  Place low(std::uint16_t slot) const;
  void set_low(std::uint16_t slot, const Place& place);
  /// Where a new send of a slot goes: at `place`, or at the lower bound when that is later and has passed at `now`. A
  /// bound that lies ahead, since a clock was ahead, comes down instead, with the batch of the send.
  Place enter(std::uint16_t slot, const Place& place, WallTime now);
  /// Around a search for the first send of a slot: what enters meanwhile keeps the bound from passing it.
  void begin_search(std::uint16_t slot);
  void end_search(std::uint16_t slot, const Place& first);
  /// Bounds that have moved and are not on the disk, for the batch under way.
  std::vector<std::pair<std::uint16_t, Place>> take_moved();
  /// The batch under way, with all that has entered and all bounds that were taken, is on the disk, or nothing of it.
  void end_batch(bool written);

 private:
  struct Slot {
    Place low;
    Place entered;                                ///< the earliest since a search began
    Place entering{WallTime::max(), UINT64_MAX};  ///< the earliest of the batch under way, which no search sees yet
    bool moved = false;
    bool storing = false;  ///< it moved, and the batch under way says so
  };

  mutable std::mutex mutex_;
  std::array<Slot, slot_count> slots_;
};

}  // namespace tern::detail::rocks
