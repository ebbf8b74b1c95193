#pragma once

#include "proactive/schedule/slot_leases.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/storage/any_storage.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace tern::proactive {

/// Gives up a strict send: later strict sends of the same order key die too. It is one write, so that after a crash
/// none of them passes.
///
/// Thread safety: everything on its executor.
class StrictBurial {
 public:
  /// The beginning of the reason of the sends that follow.
  static constexpr std::string_view follows_a_dead_one = "an earlier send of its order is dead";

  /// Lifetime: the clock and the slots outlive it.
  StrictBurial(executor ex, AnyStorage storage, Clock& clock, const SlotLeases& slots,
               std::chrono::milliseconds storage_timeout);

  /// Writes `burial`, whose first outcome gives up the send of `entry`, together with the outcomes of the sends that
  /// follow. It tries until they are written or the slot has another owner. Returns how many followed.
  /// Preconditions: the order key is busy until this ends, so that none of the following sends begins.
  awaitable<std::size_t> bury(DueEntry entry, std::string order_key, StoreChanges burial);

 private:
  awaitable<void> add_followers(DueEntry entry, std::string order_key, StoreChanges& burial);

  executor ex_;
  AnyStorage storage_;
  Clock& clock_;
  const SlotLeases& slots_;
  const std::chrono::milliseconds storage_timeout_;
};

}  // namespace tern::proactive
