#pragma once

#include "schedule_rows.hpp"
#include "schedule_statements.hpp"
#include "storage/send_claims.hpp"

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

/// The due times of sends that wait for their next attempt. The record of a send lies at its due time, which the entry
/// of a retry does not have. A due time is right for one generation of the send: another process may have moved the
/// send since, and this process learns of it by an entry alone.
///
/// Thread safety: any thread.
class RetryPlaces {
 public:
  void note(std::uint16_t slot, const SendId& id, std::uint32_t generation, WallTime due);
  /// Forgets the due times of this generation and of earlier ones.
  void forget(std::uint16_t slot, const SendId& id, std::uint32_t generation);
  /// Forgets the due times of a slot that is loaded anew, or not held any more.
  void forget_slot(std::uint16_t slot);
  /// The due time of the record of an entry: its own, unless it is a retry.
  WallTime due_of(const DueEntry& entry) const;

 private:
  struct Place {
    std::uint32_t generation = 0;
    WallTime due{};
  };

  mutable std::mutex mutex_;
  std::array<std::unordered_map<SendId, Place, SendIdHash>, slot_count> places_;
};

/// The weeks that are known to have a partition.
///
/// Thread safety: any thread.
class SendWeeks {
 public:
  /// The unknown weeks among `weeks`.
  std::vector<std::int32_t> missing(const std::set<std::int32_t>& weeks) const;
  void add(std::int32_t week);
  /// One was dropped.
  void forget_all();

 private:
  mutable std::mutex mutex_;
  std::set<std::int32_t> known_;
};

/// The time before which there are no sends. A search that begins there does not walk over deleted rows; while a
/// transaction elsewhere stays open, there may be millions of them.
///
/// The bound stays behind the clock, since hardly any send is scheduled for a time that has passed. When one is, it
/// lowers the bound. A send that another process has scheduled in this way is found by a search of everything, which
/// happens at least once a minute.
///
/// Thread safety: any thread.
class FirstDue {
 public:
  struct Search {
    WallTime from = WallTime::min();
    WallTime behind;  ///< the bound after it, if there is nothing before that
    std::uint64_t entered = 0;
  };
  /// `now`: of the schedule; `moment`: real time.
  Search begin(WallTime now, SteadyTime moment);
  void end(const Search& search, std::optional<WallTime> first);
  /// A send that is due then was committed here.
  void enter(WallTime due);
  WallTime bound() const;

 private:
  mutable std::mutex mutex_;
  WallTime bound_ = WallTime::min();
  WallTime behind_ = WallTime::min();      ///< the latest that a bound may become
  std::uint64_t entered_ = 0;              ///< how many came that a search under way may have missed
  SteadyTime all_at_ = SteadyTime::min();  ///< when everything was searched
};

/// The part of the schedule that the lanes share.
struct ScheduleState {
  ScheduleState(const std::string& schema, Clock& time) : statements(schema), clock(time) {}
  const ScheduleStatements statements;
  Clock& clock;
  storage::SendClaims claims;
  RetryPlaces retries;
  SendWeeks weeks;
  FirstDue first_due;
  /// The first slot from which more of the inbox is to be taken at once; 0 otherwise. For the lane that takes it.
  std::uint16_t inbox_from = 0;
};

}  // namespace tern::detail::pg
