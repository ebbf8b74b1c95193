#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tern {

/// How a `PostgresStorage` connects, and its bounds.
struct PostgresOptions {
  /// `postgresql://user:password@host:port/database?sslmode=verify-full&...`, or libpq's `host=... dbname=...`. Several
  /// hosts and `target_session_attrs=read-write` find the primary of a cluster. A password never reaches a log or an
  /// error. Unless set here, `connect_timeout` is 2 seconds, `application_name` is tern, and TCP keep-alives are on.
  std::string url;
  /// The schema that holds Tern's tables: 1 to 63 letters, digits and underscores.
  std::string schema = "tern";
  /// Whether `open` may create and migrate the schema. When off, `postgres_schema_sql` says what must be there.
  bool create_schema = true;
  /// For PgBouncer in transaction mode: every statement in a transaction of its own with its settings, none prepared.
  bool pgbouncer = false;
  std::uint16_t write_lanes = 1;  ///< connections that write, 1 to 64
  std::uint16_t read_lanes = 2;   ///< connections that read, 1 to 64
  /// The longest that the server works on one statement, 100 ms to an hour. One second later the connection is cut.
  std::chrono::milliseconds statement_timeout{5000};
  /// How long a process owns its slots after its last heartbeat, 1 s to a day. It sends a heartbeat every 2 s.
  std::chrono::milliseconds lease{6000};
  /// Operations that wait for one lane; beyond that `errc::overloaded`. 1 or more.
  std::size_t queue = 4096;
  /// Operations in one statement; 1 to 10,000.
  std::size_t max_batch = 256;
};

/// Figures of a `PostgresStorage` since it was made.
struct PostgresStats {
  std::uint64_t reads = 0;             ///< operations: reads and scans
  std::uint64_t writes = 0;            ///< operations
  std::uint64_t read_batches = 0;      ///< statements that read
  std::uint64_t write_batches = 0;     ///< transactions that wrote
  std::uint64_t retries = 0;           ///< transactions tried again: serialisation, deadlock, racing inserts
  std::uint64_t connections_lost = 0;  ///< found dead, or cut because the server did not answer
  std::uint64_t connections_made = 0;  ///< the first ones and those made anew
};

/// Why `url` cannot be used: it cannot be read, or one of its parameters has a value that is not allowed. The sentence
/// repeats no value of the URL. Absent when the URL can be used.
std::optional<std::string> postgres_url_obstacle(const std::string& url);

/// Documents and the schedule in PostgreSQL, shared by all processes that name the same database and schema.
///
/// Operations queue on lanes. A lane is a thread with a connection; it puts all waiting operations into one statement.
/// A write is committed before it is confirmed (`synchronous_commit` is on, whatever the server's default). Keys are
/// any bytes; documents are UTF-8 without NUL, as JSON text always is.
///
/// While the server is away, operations fail at once with `errc::storage_unavailable`, and a connection is made anew in
/// the background. A write that was in flight when its connection broke has an unknown outcome, and its error says so.
/// A write for which the server has no answer by its deadline, and within 500 ms at least, fails with
/// `errc::timed_out`, and its connection is cut.
///
/// Thread safety: all functions from any thread.
class PostgresStorage {
 public:
  /// Errors: `errc::invalid_argument` for options out of range or a URL that cannot be read. Does not connect.
  explicit PostgresStorage(PostgresOptions options, Clock& clock = system_clock());
  /// Without `close` before, operations in flight are cut.
  ~PostgresStorage();
  ///@{
  /// Moves the whole store.
  PostgresStorage(PostgresStorage&&) noexcept;
  PostgresStorage& operator=(PostgresStorage&&) noexcept;
  ///@}

  /// "postgres": durable and shared.
  StoreTraits traits() const noexcept;

  /// Connects, then creates or migrates the schema. While the server is away it tries until `by`, at most 10 s.
  /// Errors: `errc::storage_unavailable`; `errc::invalid_argument` when the server refuses the user, lacks the schema
  /// and `create_schema` is off or not allowed, has a newer schema than this library knows, or is not in UTF-8.
  awaitable<void> open(Deadline by);
  ///@{
  /// As the concept `Storage` says.
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by);
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by);
  awaitable<StorePage> scan(StoreScan scan, Deadline by);
  ///@}
  /// Ends the lanes. Operations that wait fail; operations in flight are cut at `by`.
  awaitable<void> close(Deadline by);

  ///@{
  /// As the concepts `ScheduleStorage` and `MovableSchedule` say. A send that is due in more than five years is
  /// refused.
  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want, Deadline by);
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by);
  awaitable<DuePage> load_due(DueQuery due, Deadline by);
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by);
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by);
  void put_back(const std::vector<DueEntry>& entries) noexcept;
  awaitable<SendPage> list_sends(SendQuery query, Deadline by);
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by);
  awaitable<KeyPage> list_keys(KeyQuery query, Deadline by);
  awaitable<SendCounts> count_sends(Deadline by);
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by);
  ///@}

  ///@{
  /// As the concept `NotingStorage` says: by LISTEN and NOTIFY, on one more connection, which is made when
  /// `hear_hints` is called. Behind a pooler such as PgBouncer nothing is heard, and no note is told.
  void hear_hints(HintListener listener);
  bool hears_hints() const noexcept;
  void hear_notes(NoteListener listener);
  void tell(std::string topic, std::string text);
  ///@}

  /// Whether every lane has its connection; `/readyz` answers by it. An idle connection is tried each second.
  bool healthy() const noexcept;

  /// A function that returns why the store is away, and "" when it is there. The function may outlive the store and be
  /// called from any thread.
  std::function<std::string()> obstacle() const;

  /// The figures at this moment.
  PostgresStats stats() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

static_assert(ScheduleStorage<PostgresStorage> && NotingStorage<PostgresStorage>);

/// The SQL that creates the schema, for an administrator to run where Tern has no right to. It can be run again. At its
/// end `role` is given the rights that it needs at run time; with "" nobody is given any.
std::string postgres_schema_sql(const std::string& schema = "tern", const std::string& role = {});

}  // namespace tern
