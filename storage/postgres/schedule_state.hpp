#pragma once

#include "schedule_rows.hpp"
#include "schedule_statements.hpp"

#include <tern/async/clock.hpp>

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace tern::detail::pg {

/// Where the record of a send lies that waits for its next attempt: by its due time, which the entry of a retry does
/// not hold.
///
/// Thread safety: any thread.
class RetryPlaces {
 public:
  void note(std::uint16_t slot, const SendId& id, WallTime due);
  void forget(std::uint16_t slot, const SendId& id);
  /// Of a slot that is loaded anew, or not held any more.
  void forget_slot(std::uint16_t slot);
  /// The due time of the record of an entry: its own, unless it is a retry.
  WallTime due_of(const DueEntry& entry) const;

 private:
  mutable std::mutex mutex_;
  std::array<std::unordered_map<SendId, WallTime, SendIdHash>, slot_count> due_;
};

/// The weeks that are known to have a partition.
///
/// Thread safety: any thread.
class SendWeeks {
 public:
  /// Those of `weeks` that are not known.
  std::vector<std::int32_t> missing(const std::set<std::int32_t>& weeks) const;
  void add(std::int32_t week);
  /// One was dropped.
  void forget_all();

 private:
  mutable std::mutex mutex_;
  std::set<std::int32_t> known_;
};

/// What the lanes share of the schedule.
struct ScheduleState {
  ScheduleState(const std::string& schema, Clock& time) : statements(schema), clock(time) {}
  const ScheduleStatements statements;
  Clock& clock;
  storage::SendClaims claims;
  RetryPlaces retries;
  SendWeeks weeks;
};

}  // namespace tern::detail::pg
