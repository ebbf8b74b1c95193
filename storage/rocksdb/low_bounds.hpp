#pragma once

#include "schedule_keys.hpp"

#include <array>
#include <mutex>
#include <utility>
#include <vector>

namespace tern::detail::rocks {

/// The lower bound of each slot: no send lies before it. A search that begins there does not meet deleted records.
/// RocksDB walks over deleted records until they are compacted, which takes 300 ms for a million sends.
///
/// Thread safety: any thread.
class LowBounds {
 public:
  /// The lower bound of a slot.
  Place low(std::uint16_t slot) const;
  void set_low(std::uint16_t slot, const Place& place);
  /// Where a new send of a slot is stored: at `place`, or at the lower bound if that is later and not after `now`. If
  /// the bound is after `now`, because a clock was ahead, it is lowered instead, with the batch of the send.
  Place enter(std::uint16_t slot, const Place& place, WallTime now);
  /// Around a search for the first send of a slot: the bound does not pass a send that enters meanwhile.
  void begin_search(std::uint16_t slot);
  void end_search(std::uint16_t slot, const Place& first);
  /// Bounds that have moved and are not on the disk, for the batch under way.
  std::vector<std::pair<std::uint16_t, Place>> take_moved();
  /// The batch under way, with all entered sends and all bounds that were taken, is on the disk, or nothing of it is.
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
