#pragma once

#include "async/keyed_hash.hpp"
#include "hint_statement.hpp"
#include "requests.hpp"
#include "schedule_batch.hpp"
#include "schema.hpp"
#include "write_batch.hpp"

#include <atomic>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace tern::detail::pg {

/// The counters that `PostgresStats` is read from.
struct Counters {
  std::atomic<std::uint64_t> reads = 0;
  std::atomic<std::uint64_t> writes = 0;
  std::atomic<std::uint64_t> read_batches = 0;
  std::atomic<std::uint64_t> write_batches = 0;
  std::atomic<std::uint64_t> retries = 0;
  std::atomic<std::uint64_t> connections_lost = 0;
  std::atomic<std::uint64_t> connections_made = 0;
};

/// Answers a batch of reads and scans on one connection. The reads are one statement, and so one snapshot; each scan
/// is one of its own, and so is anything else.
class Reader {
 public:
  Reader(Session& session, const Statements& statements, const PostgresOptions& options, Counters& counters)
      : session_(session), statements_(statements), options_(options), counters_(counters) {}

  /// Every ticket is answered.
  void serve(ReadLane::Batch batch);

 private:
  void read(std::vector<ReadLane::Ticket*> tickets);
  void hand_out(const std::vector<ReadLane::Ticket*>& tickets, const pqxx::result& result);
  ReadAnswer answer(const ReadRequest& request, SteadyTime cut_at);
  ReadAnswer scan(const StoreScan& query, SteadyTime cut_at);

  Session& session_;
  const Statements& statements_;
  const PostgresOptions& options_;
  Counters& counters_;
};

/// The keys that a lane has written while it works through one batch. A later write of the batch that expected another
/// version of the same keys has lost to the earlier one, and need not travel to the server to be told so. Otherwise a
/// hundred writers of one key would hold the lane for a hundred round trips.
class WrittenKeys {
 public:
  void note(const StoreChanges& changes, const StoreReceipt& receipt);
  /// The conflict that a write is sure to meet; none when it may succeed, or touches a key that is not known.
  std::optional<StoreConflict> conflict_of(const StoreChanges& changes) const;

 private:
  std::unordered_map<std::string, std::string, KeyedHash> etags_;  ///< "" when removed
};

/// Answers a batch of writes on one connection, in transactions of as many writes as can go together. When a
/// transaction fails for a reason that may lie in a single write, the writes are repeated one by one, so that no write
/// fails because of another.
class Writer {
 public:
  /// `lane`: what this process and lane count the schedule as.
  Writer(Session& session, const Statements& statements, ScheduleState& schedule, std::int32_t lane,
         HintStatement& hints, const PostgresOptions& options, Counters& counters)
      : session_(session),
        statements_(statements),
        schedule_(schedule),
        lane_(lane),
        hints_(hints),
        options_(options),
        counters_(counters) {}

  /// Every ticket is answered.
  void serve(WriteLane::Batch batch);

 private:
  using Tickets = std::vector<WriteLane::Ticket*>;
  /// Writes the first of `tickets` and all that can go with it, or finds that it takes care to do so.
  void write_some(const Tickets& tickets);
  /// By the update statement; what it cannot decide is marked for the write statement.
  void update(const Tickets& tickets, const WriteBatch& batch, SteadyTime cut_at);
  void write(const Tickets& tickets, const WriteBatch& batch, SteadyTime cut_at);
  void write_together(const Tickets& tickets, const WriteBatch& batch, SteadyTime cut_at);
  void answer(WriteLane::Ticket& ticket, WriteAnswer answer);
  void serve_documents(Tickets tickets);
  /// Those with sends, edits or outcomes, or with hints.
  void serve_schedule(Tickets tickets);
  void write_units(const Tickets& tickets);
  std::vector<WriteAnswer> write_documents_of(const std::vector<const StoreChanges*>& changes, SteadyTime cut_at);
  /// In one transaction of several statements.
  void write_units_once(const Tickets& tickets, SteadyTime cut_at);
  static void fail(const Tickets& tickets, const Failure& failure);
  bool answer_from_written(WriteLane::Ticket& ticket);
  void write_alone(WriteLane::Ticket& ticket);
  /// Whether to try again after a race, having waited a moment.
  bool wait_after_race(int tried, int most, SteadyTime until);

  Session& session_;
  const Statements& statements_;
  ScheduleState& schedule_;
  const std::int32_t lane_;
  HintStatement& hints_;
  const PostgresOptions& options_;
  Counters& counters_;
  WrittenKeys written_;
  bool more_ = false;  ///< whether others of the lane's batch come after those that are being written
  std::unordered_set<const WriteLane::Ticket*> careful_;  ///< those of the lane's batch that `update` could not decide
};

/// When to give up a server that does not answer a batch: when the first deadline in the batch has passed, but not
/// within half a second; and in any case a second after the server should have given up itself.
SteadyTime cut_time(SteadyTime earliest_deadline, const PostgresOptions& options);

/// `errc::timed_out`, for an operation that waited too long for others of its batch.
std::exception_ptr came_too_late();

/// Answers one ticket of those that a lane serves one after the other, with what `work(cut_at)` returns or throws. Does
/// not begin when its deadline has passed: it would only keep those that come after it.
template <class Ticket, class Work>
void serve_in_time(Ticket& ticket, const PostgresOptions& options, Work work) {
  const auto by = ticket.request.by;
  if (by <= std::chrono::steady_clock::now()) {
    ticket.fail(came_too_late());
    return;
  }
  try {
    ticket.succeed(work(cut_time(by, options)));
  } catch (const Failure& failure) {
    ticket.fail(error_for(failure, false));
  } catch (...) {
    ticket.fail(std::current_exception());
  }
}

}  // namespace tern::detail::pg
