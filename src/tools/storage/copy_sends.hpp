#pragma once

#include "tools/storage/progress.hpp"

#include <tern/storage/any_storage.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <string>

namespace tern::tools {

/// The content of a schedule, in figures that are the same on every backend. The sum is of a hash of each send and
/// key, so that their order does not matter. The time at which a key came is not in it.
struct ScheduleTotals {
  std::uint64_t sends = 0;
  std::uint64_t keys = 0;
  std::uint64_t dead = 0;
  std::array<std::uint64_t, 4> sum{};

  friend bool operator==(const ScheduleTotals&, const ScheduleTotals&) = default;
};

/// Reads all pending sends, idempotency keys and dead sends of a store, a few megabytes at a time.
/// Errors: `system_error` of the store.
awaitable<ScheduleTotals> add_up_schedule(AnyStorage store, std::string what, std::uint64_t expected,
                                          Progress& progress);

/// The progress of the copy of a schedule.
struct SchedulePlace {
  enum class Stage : std::uint8_t { sends, keys, dead, done };
  Stage stage = Stage::sends;
  std::string after;        ///< `next` of the page of that stage which was copied last
  std::uint64_t sends = 0;  ///< how many pending sends were copied
};

/// Copies pending sends, unchanged and under their handles, then idempotency keys with their times, then dead sends.
/// Each page is one write, together with the note of the progress that `note_of` makes.
/// Errors: `system_error` of the stores.
awaitable<void> copy_schedule(AnyStorage from, AnyStorage to, SchedulePlace place,
                              std::function<StoreUpsert(const SchedulePlace&)> note_of, Progress& progress);

/// Removes all pending and dead sends: of a copy that is to begin anew.
/// Errors: `ToolError` when one cannot be removed, since it is due and a bot has it.
awaitable<void> clear_sends(AnyStorage store);

}  // namespace tern::tools
