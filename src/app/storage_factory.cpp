#include "app/storage_factory.hpp"

#include "storage/split_storage.hpp"

#include <tern/async/metrics.hpp>
#include <tern/storage/memory_storage.hpp>
#ifdef TERN_HAS_POSTGRES
#include <tern/storage/postgres_storage.hpp>
#endif
#ifdef TERN_HAS_ROCKSDB
#include <tern/storage/rocksdb_storage.hpp>
#endif

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

namespace tern::app {

namespace {

MemoryStorageLimits memory_limits(const Settings& settings) {
  MemoryStorageLimits limits;
  limits.bytes = settings.limits.storage_bytes;
  limits.sends = settings.limits.pending_sends;
  return limits;
}

std::string nothing_wrong() {
  return {};
}

#if defined(TERN_HAS_POSTGRES) || defined(TERN_HAS_ROCKSDB)
/// A store that is erased and still asked for its figures.
template <Storage S>
class Shared {
 public:
  explicit Shared(std::shared_ptr<S> store) : store_(std::move(store)) {}

  StoreTraits traits() const noexcept { return store_->traits(); }
  awaitable<void> open(Deadline by) { return store_->open(by); }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) { return store_->read(std::move(keys), by); }
  awaitable<result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    return store_->write(std::move(changes), by);
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return store_->scan(std::move(scan), by); }
  awaitable<void> close(Deadline by) { return store_->close(by); }

  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want, Deadline by)
    requires ScheduleStorage<S>
  {
    return store_->hold_slots(std::move(owner), std::move(held), want, by);
  }
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by)
    requires ScheduleStorage<S>
  {
    return store_->release_slots(std::move(held), by);
  }
  awaitable<DuePage> load_due(DueQuery due, Deadline by)
    requires ScheduleStorage<S>
  {
    return store_->load_due(std::move(due), by);
  }
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by)
    requires ScheduleStorage<S>
  {
    return store_->load_late(std::move(held), by);
  }
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by)
    requires ScheduleStorage<S>
  {
    return store_->fetch(std::move(entries), by);
  }
  void put_back(const std::vector<DueEntry>& entries) noexcept
    requires ScheduleStorage<S>
  {
    store_->put_back(entries);
  }
  awaitable<SendPage> list_sends(SendQuery query, Deadline by)
    requires ScheduleStorage<S>
  {
    return store_->list_sends(std::move(query), by);
  }
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by)
    requires ScheduleStorage<S>
  {
    return store_->list_dead(std::move(query), by);
  }
  awaitable<KeyPage> list_keys(KeyQuery query, Deadline by)
    requires MovableSchedule<S>
  {
    return store_->list_keys(std::move(query), by);
  }
  awaitable<SendCounts> count_sends(Deadline by)
    requires ScheduleStorage<S>
  {
    return store_->count_sends(by);
  }
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by)
    requires ScheduleStorage<S>
  {
    return store_->estimate_due(from, until, by);
  }

 private:
  std::shared_ptr<S> store_;
};

/// A figure of a store that may be gone when it is asked for.
template <class S, class Read>
void add_figure(Metrics& metrics, const std::weak_ptr<S>& store, const std::string& name, const std::string& help,
                Read read) {
  metrics.gauge_from(name, help, [store, read]() -> double {
    const auto alive = store.lock();
    return alive ? static_cast<double>(read(*alive)) : 0;
  });
}
#endif

#ifdef TERN_HAS_ROCKSDB
RocksDbOptions rocksdb_options(const Settings& settings, Patience patience) {
  RocksDbOptions options;
  options.wait_for_folder = patience == Patience::of_a_bot;
  options.path = settings.storage.path;
  options.cache_mb = settings.storage.cache_mb;
  options.sync = settings.storage.sync;
  options.queue = settings.limits.storage_queue;
  return options;
}

void add_figures(Metrics& metrics, const std::shared_ptr<RocksDbStorage>& store) {
  const auto add = [&](const char* name, const char* help, std::uint64_t RocksDbStats::* figure) {
    add_figure<RocksDbStorage>(metrics, store, std::string("tern_rocksdb_") + name, help,
                               [figure](const RocksDbStorage& s) { return s.stats().*figure; });
  };
  add("reads", "Reads and scans.", &RocksDbStats::reads);
  add("reads_waited", "Reads that a thread had to make from the disk.", &RocksDbStats::reads_waited);
  add("writes", "Writes without conflicts.", &RocksDbStats::writes);
  add("write_batches", "Batches of writes, with one sync each.", &RocksDbStats::write_batches);
  add("cache_bytes", "Block cache in use.", &RocksDbStats::cache_bytes);
  add("memtable_bytes", "Written and not yet in a table file.", &RocksDbStats::memtable_bytes);
  add("table_bytes", "Table files.", &RocksDbStats::table_bytes);
  add("pending_compaction_bytes", "What compaction has yet to rewrite.", &RocksDbStats::pending_compaction_bytes);
}
#endif

#ifdef TERN_HAS_POSTGRES
PostgresOptions postgres_options(const Settings& settings) {
  PostgresOptions options;
  options.url = settings.storage.url;
  options.schema = settings.storage.schema;
  options.create_schema = settings.storage.create_schema;
  options.pgbouncer = settings.storage.pgbouncer;
  options.write_lanes = static_cast<std::uint16_t>(settings.storage.write_lanes);
  options.read_lanes = static_cast<std::uint16_t>(settings.storage.read_lanes);
  options.statement_timeout = settings.storage.statement_timeout;
  options.queue = settings.limits.storage_queue;
  return options;
}

void add_figures(Metrics& metrics, const std::shared_ptr<PostgresStorage>& store) {
  const auto add = [&](const char* name, const char* help, std::uint64_t PostgresStats::* figure) {
    add_figure<PostgresStorage>(metrics, store, std::string("tern_postgres_") + name, help,
                                [figure](const PostgresStorage& s) { return s.stats().*figure; });
  };
  add("reads", "Reads and scans.", &PostgresStats::reads);
  add("writes", "Writes.", &PostgresStats::writes);
  add("read_batches", "Statements that read.", &PostgresStats::read_batches);
  add("write_batches", "Transactions that wrote.", &PostgresStats::write_batches);
  add("retries", "Transactions that were tried again.", &PostgresStats::retries);
  add("connections_lost", "Connections found dead, or cut.", &PostgresStats::connections_lost);
  add("connections_made", "Connections made.", &PostgresStats::connections_made);
  add_figure<PostgresStorage>(metrics, store, "tern_postgres_up", "1 while every lane has its connection.",
                              [](const PostgresStorage& s) { return s.healthy() ? 1 : 0; });
}
#endif

#if defined(TERN_HAS_POSTGRES) || defined(TERN_HAS_ROCKSDB)
/// `store` erased; `metrics` are to have its figures, unless that is nullptr.
template <class S>
StoreParts parts_of(std::shared_ptr<S> store, Metrics* metrics) {
  if (metrics != nullptr) {
    add_figures(*metrics, store);
  }
  auto obstacle = store->obstacle();
  return {AnyStorage::make<Shared<S>>(std::move(store)), std::move(obstacle)};
}
#endif

}  // namespace

bool has_backend(std::string_view kind) noexcept {
#ifdef TERN_HAS_ROCKSDB
  if (kind == "rocksdb") {
    return true;
  }
#endif
#ifdef TERN_HAS_POSTGRES
  if (kind == "postgres") {
    return true;
  }
#endif
  return kind == "memory";
}

std::string missing_backend(std::string_view kind) {
  const auto option = kind == "rocksdb" ? "TERN_WITH_ROCKSDB" : "TERN_WITH_POSTGRES";
  return "storage.kind is " + std::string(kind) + ", but this program was built without it. Build Tern with -D" +
         option + "=ON, or choose another kind.";
}

std::optional<std::string> url_obstacle([[maybe_unused]] const std::string& url) {
#ifdef TERN_HAS_POSTGRES
  return postgres_url_obstacle(url);
#else
  return std::nullopt;
#endif
}

StoreParts make_documents(const Settings& settings, Clock& clock, [[maybe_unused]] Metrics* metrics,
                          [[maybe_unused]] Patience patience) {
  const auto& kind = settings.storage.kind;
#ifdef TERN_HAS_ROCKSDB
  if (kind == "rocksdb") {
    return parts_of(std::make_shared<RocksDbStorage>(rocksdb_options(settings, patience), clock), metrics);
  }
#endif
#ifdef TERN_HAS_POSTGRES
  if (kind == "postgres") {
    return parts_of(std::make_shared<PostgresStorage>(postgres_options(settings), clock), metrics);
  }
#endif
  if (kind != "memory") {
    throw_error(errc::invalid_argument, missing_backend(kind));
  }
  return {AnyStorage::make<MemoryStorage>(memory_limits(settings), clock), nothing_wrong};
}

StoreParts make_storage(const Settings& settings, Clock& clock, Metrics* metrics) {
  auto parts = make_documents(settings, clock, metrics, Patience::of_a_bot);
  parts.storage = with_schedule(std::move(parts.storage), settings, clock);
  return parts;
}

std::string place_of(const Settings& settings) {
  if (settings.storage.kind == "rocksdb") {
    std::error_code error;
    const auto path = std::filesystem::absolute(settings.storage.path, error);
    return error ? settings.storage.path : path.lexically_normal().string();
  }
  return settings.storage.kind == "postgres" ? "schema " + settings.storage.schema : "this process";
}

AnyStorage with_schedule(AnyStorage storage, const Settings& settings, Clock& clock) {
  if (storage.schedules()) {
    return storage;
  }
  auto schedule = AnyStorage::make<MemoryStorage>(memory_limits(settings), clock);
  return AnyStorage::make<SplitStorage>(std::move(storage), std::move(schedule), settings.limits.pending_sends);
}

}  // namespace tern::app
