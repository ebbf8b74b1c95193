#include <tern/async/log.hpp>
#include <tern/async/offload.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "async/keyed_hash.hpp"
#include "requirements.hpp"
#include "storage/validate.hpp"
#include "storage_state.hpp"

#include <algorithm>
#include <functional>
#include <random>

namespace tern {

namespace {

using namespace detail::pg;

// A round trip to a server nearby costs both sides more than the few calls that come in such a time.
constexpr std::chrono::microseconds gather{2000};
// From here on the round trip is the smaller part of what a batch of reads costs.
constexpr std::size_t halve_reads_at = 128;

awaitable<WriteAnswer> nothing_written() {
  co_return StoreReceipt();
}

template <class Batch>
void refuse(Batch batch, const Health& health) {
  const Failure away(FailureKind::outage, health.obstacle());
  for (auto& ticket : batch) {
    ticket.fail(error_for(away, false));
  }
}

// The lane of a write: by its first key, so that the writes of a conversation meet in one lane and not as locks in the
// server; of the schedule's, by slot.
std::size_t hash_of(const StoreChanges& changes) {
  const detail::KeyedHash hash;
  if (!changes.upserts.empty()) {
    return hash(changes.upserts.front().key);
  }
  if (!changes.removals.empty()) {
    return hash(changes.removals.front().key);
  }
  if (!changes.sends.empty()) {
    return changes.sends.front().handle.slot;
  }
  return !changes.outcomes.empty() ? changes.outcomes.front().handle.slot
         : !changes.edits.empty()  ? changes.edits.front().handle.slot
                                   : 0;  // keys from another store come alone
}

std::string lane_name(const char* kind, std::size_t index) {
  return std::string("pg-") + kind + "-" + std::to_string(index);
}

}  // namespace

std::int32_t detail::pg::any_lane_of_counts() {
  constexpr unsigned lanes = 256;
  return static_cast<std::int32_t>(std::random_device()() % lanes);
}

PostgresStorage::State::State(PostgresOptions given, Clock& time)
    : options(std::move(given)),
      clock(time),
      target(options.url),
      statements(options.schema),
      schedule(options.schema, time),
      hint(options.schema),
      connections(target, options, counters, health),
      hints(target, options, hint, connections.watchdog()) {}

PostgresStorage::State::~State() {
  connections.limit(std::chrono::steady_clock::now());
  stop();
}

void PostgresStorage::State::stop() noexcept {
  hints.stop();
  for (auto& lane : writers) {
    lane->stop();
  }
  for (auto& lane : readers) {
    lane->stop();
  }
  for (auto* lane : {slots_lane.get(), due_lane.get()}) {
    if (lane != nullptr) {
      lane->stop();
    }
  }
  connections.close();
}

void PostgresStorage::State::start_lanes() {
  for (std::size_t i = 0; i < options.write_lanes; ++i) {
    writers.push_back(std::make_unique<WriteLane>(
        storage::LaneSettings{lane_name("write", i), options.queue, options.max_batch, &clock, gather},
        [this, i, lane = any_lane_of_counts()](WriteLane::Batch batch) {
          const Connections::Loan loan(connections, i);
          if (auto* session = loan.session()) {
            Writer(*session, statements, schedule, lane, hint, options, counters).serve(batch);
          } else {
            refuse(batch, *health);
          }
        }));
  }
  for (std::size_t i = 0; i < options.read_lanes; ++i) {
    readers.push_back(std::make_unique<ReadLane>(
        storage::LaneSettings{lane_name("read", i), options.queue, options.max_batch, &clock, gather, halve_reads_at},
        [this, link = options.write_lanes + i](ReadLane::Batch batch) {
          const Connections::Loan loan(connections, link);
          if (auto* session = loan.session()) {
            Reader(*session, statements, options, counters).serve(batch);
          } else {
            refuse(batch, *health);
          }
        }));
  }
  slots_lane = make_schedule_lane("pg-slots", slots_link());
  due_lane = make_schedule_lane("pg-due", due_link());
}

std::unique_ptr<ScheduleLane> PostgresStorage::State::make_schedule_lane(const char* name, std::size_t link) {
  return std::make_unique<ScheduleLane>(storage::LaneSettings{name, options.queue, options.max_batch, &clock},
                                        [this, link](ScheduleLane::Batch batch) {
                                          const Connections::Loan loan(connections, link);
                                          auto* const session = loan.session();
                                          if (session == nullptr) {
                                            refuse(batch, *health);
                                            return;
                                          }
                                          for (auto& ticket : batch) {
                                            serve_in_time(ticket, options, [&](SteadyTime cut_at) {
                                              ticket.request.work(*session, cut_at);
                                              return true;
                                            });
                                          }
                                        });
}

std::optional<std::string> postgres_url_obstacle(const std::string& url) {
  return obstacle_of(url);
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
  const auto migrated_by = state.real(by);
  const auto reached_by = std::min(migrated_by, std::chrono::steady_clock::now() + longest);
  std::function<void()> connect = [&state, reached_by, migrated_by] {
    state.connections.open(reached_by, migrated_by);
  };
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
  request.found.reserve(request.keys.size());
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
  require_storable(changes, state.clock.wall_now());
  if (changes.empty() && changes.hints.empty()) {
    return nothing_written();
  }
  auto& lane = state.lane_of(state.writers, hash_of(changes), 0);
  return lane.call(WriteRequest{std::move(changes), state.real(by)}, by);
}

void PostgresStorage::hear_hints(HintListener listener) {
  state_->hints.start(std::move(listener));
}

bool PostgresStorage::hears_hints() const noexcept {
  return state_->hints.hears();
}

void PostgresStorage::hear_notes(NoteListener listener) {
  state_->hints.hear_notes(std::move(listener));
}

void PostgresStorage::tell(std::string topic, std::string text) {
  state_->hints.tell(std::move(topic), std::move(text));
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
