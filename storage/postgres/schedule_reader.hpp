#pragma once

#include "schedule_state.hpp"
#include "storage/schedule_rules.hpp"

#include <string>
#include <vector>

namespace tern::detail::pg {

/// The questions of an owner of slots, the lists and the counts. Each function is one or a few statements on the
/// lane's connection.
///
/// Errors: `Failure`.
class ScheduleReader {
 public:
  ScheduleReader(Session& session, ScheduleState& state, SteadyTime cut_at)
      : session_(session), state_(state), cut_at_(cut_at) {}

  /// The leases end `lease` after `asked_at`, the time before they were asked for.
  /// Leases of processes of this machine that have ended end with them.
  void end_leases_of_the_dead();
  HeldSlots hold(const std::string& owner, std::uint16_t want, std::chrono::milliseconds lease, SteadyTime asked_at);
  void release(const std::vector<SlotLease>& leases);
  DuePage load_due(const DueQuery& query);
  LateSends load_late(const std::vector<SlotLease>& held);
  std::vector<ScheduledSend> fetch(const std::vector<DueEntry>& entries);
  SendPage list(const SendQuery& query);
  /// A page of the one send that the key stands for, if it is pending.
  SendPage find(const std::string& idempotency_key);
  DeadPage list_dead(const DeadQuery& query);
  KeyPage list_keys(const KeyQuery& query);
  SendCounts counts();
  /// How many sends are due from `from` on and before `until`; an estimate when there are many.
  std::uint64_t estimate_due(WallTime from, WallTime until);
  /// Removes old keys, dead sends and partitions. `lane`: the lane whose counts are changed.
  void tidy(std::int32_t lane);

 private:
  pqxx::result run(const Statement& statement, const Session::Parameters& parameters) {
    return session_.execute(statement, parameters, cut_at_);
  }
  const ScheduleStatements& statements() const noexcept { return state_.statements; }
  /// The earliest due time of a pending send.
  std::optional<WallTime> oldest();
  void drop_inbox(const std::vector<std::uint16_t>& slots);
  LateSends take_inbox(const std::vector<SlotLease>& from);
  void note_place(const DueEntry& entry, WallTime due);
  /// An entry that the caller may send, by its place among the entries asked for, and the due time of its record.
  struct Claimed {
    std::size_t place = 0;
    WallTime due{};
  };
  std::vector<Claimed> claim(const std::vector<DueEntry>& entries);
  pqxx::result rows_of(const std::vector<Claimed>& claimed, const std::vector<DueEntry>& entries);
  pqxx::result find(const SendHandle& handle);

  Session& session_;
  ScheduleState& state_;
  const SteadyTime cut_at_;
};

}  // namespace tern::detail::pg
