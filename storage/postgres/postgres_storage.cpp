#include <tern/async/offload.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "connections.hpp"
#include "storage/validate.hpp"
#include "utf8.hpp"

#include <algorithm>
#include <functional>

namespace tern {

namespace {

using namespace detail::pg;

// A round trip to a server nearby costs both sides more than the few calls that come in such a time.
constexpr std::chrono::microseconds gather{2000};

awaitable<WriteAnswer> nothing_written() {
  co_return StoreReceipt();
}

void require_valid(const PostgresOptions& options) {
  const auto require = [](bool holds, const char* message) {
    if (!holds) {
      throw_error(errc::invalid_argument, message);
    }
  };
  using namespace std::chrono_literals;
  constexpr int most_lanes = 64;
  constexpr std::size_t longest_batch = 10'000;
  require_schema_name(options.schema);
  require(options.write_lanes >= 1 && options.write_lanes <= most_lanes && options.read_lanes >= 1 &&
              options.read_lanes <= most_lanes,
          "The Postgres storage has 1 to 64 lanes that write and 1 to 64 that read.");
  require(options.statement_timeout >= 100ms && options.statement_timeout <= 1h,
          "The statement timeout of the Postgres storage is 100 ms to an hour.");
  require(options.queue >= 1, "The queue of a lane of the Postgres storage has room for at least 1 operation.");
  require(options.max_batch >= 1 && options.max_batch <= longest_batch,
          "A batch of the Postgres storage has 1 to 10,000 operations.");
}

void require_storable(const StoreChanges& changes) {
  if (!changes.sends.empty() || !changes.edits.empty() || !changes.outcomes.empty()) {
    throw_error(errc::invalid_argument,
                "The Postgres storage keeps documents only, no scheduled sends. Keep the schedule in another backend.");
  }
  for (const auto& upsert : changes.upserts) {
    if (!is_storable_text(upsert.document)) {
      throw_error(errc::invalid_argument, "The document \"" + upsert.key.substr(0, 80) +
                                              "\" is not UTF-8 or holds a NUL, which Postgres cannot store. JSON text "
                                              "escapes NUL as \\u0000.");
    }
  }
}

template <class Batch>
void refuse(Batch batch, const Health& health) {
  const Failure away(FailureKind::outage, health.obstacle());
  for (auto& ticket : batch) {
    ticket.fail(error_for(away, false));
  }
}

std::string lane_name(const char* kind, std::size_t index) {
  return std::string("pg-") + kind + "-" + std::to_string(index);
}

}  // namespace

struct PostgresStorage::State {
  State(PostgresOptions given, Clock& time);
  ~State();

  void require_time(Deadline by, const char* what) const {
    if (!by.is_never() && by.expired(clock)) {
      throw_error(errc::timed_out,
                  "The deadline had passed before the Postgres storage could " + std::string(what) + ".");
    }
  }
  /// Deadlines are of a clock that a test may move; sockets know real time alone.
  SteadyTime real(Deadline by) const {
    return by.is_never() ? SteadyTime::max() : Deadline::after(by.remaining(clock), system_clock()).when();
  }
  void start_lanes();
  void stop() noexcept;

  /// The lane to use: `preferred`, or the next whose connection is there.
  template <class Lanes>
  auto& lane_of(Lanes& lanes, std::size_t preferred, std::size_t first_link) const {
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      const auto index = (preferred + i) % lanes.size();
      if (connections.is_up(first_link + index)) {
        return *lanes[index];
      }
    }
    throw_error(errc::storage_unavailable, "The Postgres storage is away: " + health->obstacle());
  }

  /// The first lane that has room in its next batch: one large batch costs less than two small ones.
  std::size_t reader_of_keys() const {
    const auto roomy = std::find_if(readers.begin(), readers.end(),
                                    [this](const auto& lane) { return lane->waiting() < options.max_batch; });
    return roomy != readers.end() ? static_cast<std::size_t>(roomy - readers.begin()) : 0;
  }
  /// Any but the first, if there are others, since a scan may take long.
  std::size_t reader_of_scan() {
    const auto others = readers.size() - 1;
    return others == 0 ? 0 : 1 + scans++ % others;
  }

  const PostgresOptions options;
  Clock& clock;
  const ConnectionString target;
  const Statements statements;
  Counters counters;
  std::shared_ptr<Health> health = std::make_shared<Health>();
  Connections connections;
  std::vector<std::unique_ptr<WriteLane>> writers;
  std::vector<std::unique_ptr<ReadLane>> readers;
  std::atomic<std::size_t> scans = 0;
};

PostgresStorage::State::State(PostgresOptions given, Clock& time)
    : options(std::move(given)),
      clock(time),
      target(options.url),
      statements(options.schema),
      connections(target, options, counters, health) {}

PostgresStorage::State::~State() {
  connections.limit(std::chrono::steady_clock::now());
  stop();
}

void PostgresStorage::State::stop() noexcept {
  for (auto& lane : writers) {
    lane->stop();
  }
  for (auto& lane : readers) {
    lane->stop();
  }
  connections.close();
}

void PostgresStorage::State::start_lanes() {
  for (std::size_t i = 0; i < options.write_lanes; ++i) {
    writers.push_back(std::make_unique<WriteLane>(
        storage::LaneSettings{lane_name("write", i), options.queue, options.max_batch, &clock, gather},
        [this, i](WriteLane::Batch batch) {
          const Connections::Loan loan(connections, i);
          if (auto* session = loan.session()) {
            Writer(*session, statements, options, counters).serve(batch);
          } else {
            refuse(batch, *health);
          }
        }));
  }
  for (std::size_t i = 0; i < options.read_lanes; ++i) {
    readers.push_back(std::make_unique<ReadLane>(
        storage::LaneSettings{lane_name("read", i), options.queue, options.max_batch, &clock, gather},
        [this, link = options.write_lanes + i](ReadLane::Batch batch) {
          const Connections::Loan loan(connections, link);
          if (auto* session = loan.session()) {
            Reader(*session, statements, options, counters).serve(batch);
          } else {
            refuse(batch, *health);
          }
        }));
  }
}

PostgresStorage::PostgresStorage(PostgresOptions options, Clock& clock) {
  require_valid(options);
  state_ = std::make_unique<State>(std::move(options), clock);
}
PostgresStorage::~PostgresStorage() = default;
PostgresStorage::PostgresStorage(PostgresStorage&&) noexcept = default;
PostgresStorage& PostgresStorage::operator=(PostgresStorage&&) noexcept = default;

StoreTraits PostgresStorage::traits() const noexcept {
  return {"postgres", true, true};
}

awaitable<void> PostgresStorage::open(Deadline by) {
  auto& state = *state_;
  constexpr std::chrono::seconds longest{10};
  const auto until = std::min(state.real(by), std::chrono::steady_clock::now() + longest);
  std::function<void()> connect = [&state, until] { state.connections.open(until); };
  co_await offload(std::move(connect));
  state.start_lanes();
}

awaitable<void> PostgresStorage::close(Deadline by) {
  auto& state = *state_;
  state.connections.limit(state.real(by));
  std::function<void()> stop = [&state] { state.stop(); };
  co_await offload(std::move(stop));
}

awaitable<StoreItems> PostgresStorage::read(std::vector<std::string> keys, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "read");
  detail::require_valid(keys);
  if (keys.empty()) {
    co_return StoreItems();
  }
  auto& lane = state.lane_of(state.readers, state.reader_of_keys(), state.writers.size());
  ReadRequest request{std::move(keys), std::nullopt, state.real(by)};
  auto answer = co_await lane.call(std::move(request), by);
  co_return std::move(answer.items);
}

awaitable<StorePage> PostgresStorage::scan(StoreScan scan, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "scan");
  detail::require_valid(scan);
  auto& lane = state.lane_of(state.readers, state.reader_of_scan(), state.writers.size());
  ReadRequest request{{}, std::move(scan), state.real(by)};
  auto answer = co_await lane.call(std::move(request), by);
  co_return std::move(answer.page);
}

awaitable<boost::system::result<StoreReceipt, StoreConflict>> PostgresStorage::write(StoreChanges changes,
                                                                                     Deadline by) {
  auto& state = *state_;
  state.require_time(by, "write; nothing was written");
  detail::require_valid(changes);
  require_storable(changes);
  if (changes.empty()) {
    return nothing_written();
  }
  // By key, so that the writes of a conversation meet in one lane and not as locks in the server.
  const auto& key = changes.upserts.empty() ? changes.removals.front().key : changes.upserts.front().key;
  auto& lane = state.lane_of(state.writers, std::hash<std::string_view>()(key), 0);
  return lane.call(WriteRequest{std::move(changes), state.real(by)}, by);
}

bool PostgresStorage::healthy() const noexcept {
  return state_->health->healthy();
}

std::function<std::string()> PostgresStorage::obstacle() const {
  return [health = state_->health] { return health->obstacle(); };
}

PostgresStats PostgresStorage::stats() const noexcept {
  const auto& counters = state_->counters;
  PostgresStats stats;
  stats.reads = counters.reads;
  stats.writes = counters.writes;
  stats.read_batches = counters.read_batches;
  stats.write_batches = counters.write_batches;
  stats.retries = counters.retries;
  stats.connections_lost = counters.connections_lost;
  stats.connections_made = counters.connections_made;
  return stats;
}

}  // namespace tern
