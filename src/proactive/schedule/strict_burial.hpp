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

/// Gives up a send that its author wants in strict order: the strict sends of the same order key that come after it are
/// dead as well. It is one write, so that a crash lets none of them pass.
///
/// Thread safety: everything on its executor.
class StrictBurial {
 public:
  /// What the reason of those that follow begins with.
  static constexpr std::string_view follows_a_dead_one = "an earlier send of its order is dead";

  /// Lifetime: the clock and the slots outlive it.
  StrictBurial(executor ex, AnyStorage storage, Clock& clock, const SlotLeases& slots,
               std::chrono::milliseconds storage_timeout);

  /// Writes `burial`, whose first outcome gives up the send of `entry`, and with it the outcomes of those that follow.
  /// It tries until that is written or the slot has another owner. Returns how many followed.
  /// Preconditions: the order key is busy until this ends, so that none of those that follow begins.
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
