#pragma once

#include "database.hpp"
#include "fetched_sends.hpp"
#include "low_bounds.hpp"
#include "schedule_record.hpp"
#include "storage/schedule_rules.hpp"
#include "storage/send_claims.hpp"

#include <tern/async/clock.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace tern::detail::rocks {

/// Reads the schedule. Blocks. `load_due` and `fetch` are for one thread, the rest for any.
///
/// Errors: `errc::storage_unavailable`.
class ScheduleReader {
 public:
  ScheduleReader(Database& database, storage::SendClaims& claims, LowBounds& bounds, FetchedSends& fetched,
                 Clock& clock)
      : database_(database), claims_(claims), bounds_(bounds), fetched_(fetched), clock_(clock) {}

  DuePage load_due(const DueQuery& query);
  std::vector<ScheduledSend> fetch(const std::vector<DueEntry>& entries);
  SendPage list(const SendQuery& query);
  /// A page of the one send that the key stands for, if it is pending.
  SendPage find(const std::string& idempotency_key);
  DeadPage list_dead(const DeadQuery& query);
  KeyPage list_keys(const KeyQuery& query);
  /// The earliest due time of a pending send.
  std::optional<WallTime> oldest();
  /// How many sends are due from `from` on and before `until`; an estimate when there are many.
  std::uint64_t estimate_due(WallTime from, WallTime until);

 private:
  using Row = StoredSend;
  class DueRows;

  void move_low(std::uint16_t slot);
  std::optional<Row> row_at(std::uint16_t slot, const Place& place) const;
  std::optional<Row> row_of(const SendId& id, std::uint16_t slot);
  std::vector<std::optional<Row>> rows_of(const std::vector<DueEntry>& entries);
  Row decode(rocksdb::Slice bytes, const Place& place) const;
  std::uint64_t count_due(std::uint16_t slot, WallTime from, WallTime until);
  SendPage list_one_conversation(const SendQuery& query, const Place& after);
  SendPage list_all(const SendQuery& query, const Place& after);
  [[noreturn]] void fail(const rocksdb::Status& status) const;
  [[noreturn]] void fail_unknown() const;

  Database& database_;
  storage::SendClaims& claims_;
  LowBounds& bounds_;
  FetchedSends& fetched_;
  Clock& clock_;
};

}  // namespace tern::detail::rocks
