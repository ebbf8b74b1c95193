#include <tern/async/log.hpp>
#include <tern/async/offload.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "async/keyed_hash.hpp"
#include "connections.hpp"
#include "requirements.hpp"
#include "schedule_reader.hpp"
#include "storage/validate.hpp"

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

// Each lane of each process adds to counts of its own, or nearly: two that share a row wait for each other at times.
std::int32_t any_lane_of_counts() {
  constexpr unsigned lanes = 256;
  return static_cast<std::int32_t>(std::random_device()() % lanes);
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
  std::unique_ptr<ScheduleLane> make_schedule_lane(const char* name, std::size_t link);
  /// Runs on a lane of the schedule, which is the first or the second of its connections.
  template <class Result>
  awaitable<Result> on(ScheduleLane& lane, std::size_t link, std::function<Result(ScheduleReader&)> work, Deadline by);
  /// Runs on a lane that reads, as a scan does: what is due is sent meanwhile.
  template <class Result>
  awaitable<Result> on_reader(std::function<Result(ScheduleReader&)> work, Deadline by);
  std::size_t slots_link() const noexcept { return static_cast<std::size_t>(options.write_lanes) + options.read_lanes; }
  std::size_t due_link() const noexcept { return slots_link() + 1; }
  void tidy_at_times(ScheduleReader& reader);
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
  ScheduleState schedule;
  Counters counters;
  std::shared_ptr<Health> health = std::make_shared<Health>();
  Connections connections;
  std::vector<std::unique_ptr<WriteLane>> writers;
  std::vector<std::unique_ptr<ReadLane>> readers;
  std::unique_ptr<ScheduleLane> slots_lane;  ///< leases and late commits, which must not wait for the others
  std::unique_ptr<ScheduleLane> due_lane;    ///< what is due
  const std::int32_t lane_of_counts = any_lane_of_counts();
  SteadyTime tidied = std::chrono::steady_clock::now();  ///< used by the lane of what is due
  std::atomic<std::size_t> scans = 0;
};

PostgresStorage::State::State(PostgresOptions given, Clock& time)
    : options(std::move(given)),
      clock(time),
      target(options.url),
      statements(options.schema),
      schedule(options.schema, time),
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
            Writer(*session, statements, schedule, lane, options, counters).serve(batch);
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

template <class Result>
awaitable<Result> PostgresStorage::State::on(ScheduleLane& lane, std::size_t link,
                                             std::function<Result(ScheduleReader&)> work, Deadline by) {
  if (!connections.is_up(link)) {
    throw_error(errc::storage_unavailable, "The Postgres storage is away: " + health->obstacle());
  }
  std::optional<Result> result;
  // The call ends only when its work has, or will not begin: so the work may write here.
  ScheduleRequest request;
  request.work = [this, &result, &work](Session& session, SteadyTime cut_at) {
    ScheduleReader reader(session, schedule, cut_at);
    result = work(reader);
  };
  request.by = real(by);
  co_await lane.call(std::move(request), by);
  co_return std::move(*result);
}

template <class Result>
awaitable<Result> PostgresStorage::State::on_reader(std::function<Result(ScheduleReader&)> work, Deadline by) {
  auto& lane = lane_of(readers, reader_of_scan(), writers.size());
  std::optional<Result> result;
  ReadRequest request;
  request.work = [this, &result, &work](Session& session, SteadyTime cut_at) {
    ScheduleReader reader(session, schedule, cut_at);
    result = work(reader);
  };
  request.by = real(by);
  co_await lane.call(std::move(request), by);
  co_return std::move(*result);
}

// Forgetting is nobody's request: a failure is told, and it is tried again.
void PostgresStorage::State::tidy_at_times(ScheduleReader& reader) {
  constexpr std::chrono::minutes pause{1};
  const auto now = std::chrono::steady_clock::now();
  if (now - tidied < pause) {
    return;
  }
  tidied = now;
  try {
    reader.tidy(lane_of_counts);
  } catch (const Failure& failure) {
    log::warn("the schedule's tables could not be tidied; it is tried again", {{"error", failure.what()}});
  }
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
  if (changes.empty()) {
    return nothing_written();
  }
  auto& lane = state.lane_of(state.writers, hash_of(changes), 0);
  return lane.call(WriteRequest{std::move(changes), state.real(by)}, by);
}

awaitable<HeldSlots> PostgresStorage::hold_slots(std::string owner, std::vector<SlotLease>, std::uint16_t want,
                                                 Deadline by) {
  auto& state = *state_;
  state.require_time(by, "lease slots");
  if (owner.empty()) {
    throw_error(errc::invalid_argument, "An owner of slots needs a name. Use one that is unique to the process.");
  }
  const auto asked_at = state.clock.now();
  const auto asleep = state.clock.asleep();
  std::function<HeldSlots(ScheduleReader&)> work = [&](ScheduleReader& reader) {
    return reader.hold(owner, want, state.options.lease, asked_at);
  };
  auto held = co_await state.on(*state.slots_lane, state.slots_link(), std::move(work), by);
  std::for_each(held.leases.begin(), held.leases.end(), [&](SlotLease& lease) { lease.asleep = asleep; });
  co_return held;
}

awaitable<void> PostgresStorage::release_slots(std::vector<SlotLease> held, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "release slots");
  std::function<bool(ScheduleReader&)> work = [&](ScheduleReader& reader) {
    reader.release(held);
    return true;
  };
  co_await state.on(*state.slots_lane, state.slots_link(), std::move(work), by);
}

awaitable<DuePage> PostgresStorage::load_due(DueQuery due, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "load due sends");
  detail::require_valid(due);
  std::function<DuePage(ScheduleReader&)> work = [&](ScheduleReader& reader) {
    auto page = reader.load_due(due);
    state.tidy_at_times(reader);
    return page;
  };
  auto page = co_await state.on(*state.due_lane, state.due_link(), std::move(work), by);
  co_return page;
}

awaitable<LateSends> PostgresStorage::load_late(std::vector<SlotLease> held, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "load late sends");
  std::function<LateSends(ScheduleReader&)> work = [&](ScheduleReader& reader) { return reader.load_late(held); };
  auto late = co_await state.on(*state.slots_lane, state.slots_link(), std::move(work), by);
  co_return late;
}

awaitable<std::vector<ScheduledSend>> PostgresStorage::fetch(std::vector<DueEntry> entries, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "fetch sends");
  std::function<std::vector<ScheduledSend>(ScheduleReader&)> work = [&](ScheduleReader& reader) {
    return reader.fetch(entries);
  };
  auto sends = co_await state.on(*state.due_lane, state.due_link(), std::move(work), by);
  co_return sends;
}

void PostgresStorage::put_back(const std::vector<DueEntry>& entries) noexcept {
  state_->schedule.claims.put_back(entries);
}

awaitable<SendPage> PostgresStorage::list_sends(SendQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list sends");
  detail::require_valid(query);
  std::function<SendPage(ScheduleReader&)> work = [&](ScheduleReader& reader) { return reader.list(query); };
  auto page = co_await state.on_reader(std::move(work), by);
  co_return page;
}

awaitable<DeadPage> PostgresStorage::list_dead(DeadQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list dead sends");
  detail::require_valid(query);
  std::function<DeadPage(ScheduleReader&)> work = [&](ScheduleReader& reader) { return reader.list_dead(query); };
  auto page = co_await state.on_reader(std::move(work), by);
  co_return page;
}

awaitable<KeyPage> PostgresStorage::list_keys(KeyQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list idempotency keys");
  detail::require_valid(query);
  std::function<KeyPage(ScheduleReader&)> work = [&](ScheduleReader& reader) { return reader.list_keys(query); };
  auto page = co_await state.on_reader(std::move(work), by);
  co_return page;
}

awaitable<SendCounts> PostgresStorage::count_sends(Deadline by) {
  auto& state = *state_;
  state.require_time(by, "count sends");
  std::function<SendCounts(ScheduleReader&)> work = [](ScheduleReader& reader) { return reader.counts(); };
  auto counts = co_await state.on_reader(std::move(work), by);
  co_return counts;
}

awaitable<std::uint64_t> PostgresStorage::estimate_due(WallTime from, WallTime until, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "count sends");
  std::function<std::uint64_t(ScheduleReader&)> work = [from, until](ScheduleReader& reader) {
    return reader.estimate_due(from, until);
  };
  const auto estimate = co_await state.on_reader(std::move(work), by);
  co_return estimate;
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
