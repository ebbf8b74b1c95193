#include <tern/storage/rocksdb_storage.hpp>

#include "access.hpp"
#include "salvage.hpp"
#include "storage/validate.hpp"
#include "storage_state.hpp"

#include <tern/async/log.hpp>
#include <tern/async/offload.hpp>
#include <tern/error.hpp>

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace tern {

using namespace detail::rocks;

namespace {

constexpr std::size_t most_cache_mb = std::size_t{1} << 20;

// About what a sync takes, so that waiting for a full batch at worst doubles what a write waits.
constexpr std::chrono::microseconds gather{2000};

awaitable<WriteAnswer> nothing_written() {
  co_return StoreReceipt();
}

awaitable<StoreItems> answered(StoreItems items) {
  co_return items;
}

void require_options(const RocksDbOptions& options) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) {
      throw_error(errc::invalid_argument, std::string("RocksDbOptions: ") + what);
    }
  };
  require(!options.path.empty(), "path is empty; name a folder");
  require(options.cache_mb >= 1 && options.cache_mb <= most_cache_mb, "cache_mb is from 1 to 1048576");
  require(options.queue >= 1, "queue is 1 or more");
  require(options.max_batch >= 1, "max_batch is 1 or more");
}

}  // namespace

// With what the cache knows, and of the rest what RocksDB has in memory; nullopt when that is not all, or not of one
// moment.
// Takes the keys only when it has the answer.
std::optional<StoreItems> RocksDbStorage::State::read_partly(const DocumentCache::Look& look,
                                                             std::vector<std::string>& keys) {
  std::vector<std::string> some;
  const bool asks_for_all = look.unknown == keys.size();
  for (std::size_t i = 0; i < keys.size() && !asks_for_all; ++i) {
    if (!look.keys[i].known) {
      some.push_back(keys[i]);
    }
  }
  auto found = detail::rocks::read_from_memory(*database, asks_for_all ? keys : some);
  if (!found || !cache->keep(keys, look, *found, DocumentCache::From::memory)) {
    return std::nullopt;
  }
  return asks_for_all ? std::move(found) : look.items(std::move(keys), *found);
}

// On a thread that may block. RocksDB says that a folder is taken and not when it is free.
std::unique_ptr<Database> RocksDbStorage::State::open_database(Deadline by) {
  constexpr std::chrono::milliseconds pause{100};
  for (bool told = false;;) {
    try {
      return std::make_unique<Database>(options, env, health);
    } catch (const detail::rocks::FolderTaken&) {
      if (!options.wait_for_folder || by.expired(clock)) {
        throw;
      }
    }
    if (!std::exchange(told, true)) {
      log::warn("waiting for the folder of the storage: another process has it, which may be about to end",
                {{"storage", "rocksdb"}, {"folder", options.path}});
    }
    std::this_thread::sleep_for(pause);
  }
}

void RocksDbStorage::State::open(Deadline by) {
  auto opened = open_database(by);
  {
    const std::lock_guard lock(database_mutex);
    database = std::move(opened);
  }
  health->set({});
  cache = std::make_unique<DocumentCache>((options.cache_mb << 20) / 2);
  open_schedule();
  committer = std::make_unique<Committer>(*database, *cache, *schedule_writer, options.sync, end_process, counters);
  reader = std::make_unique<Reader>(*database);
  writes = std::make_unique<WriteLane>(
      storage::LaneSettings{"rocksdb-write", options.queue, options.max_batch, &clock, gather},
      [this](WriteLane::Batch batch) { committer->serve(batch); });
  reads = std::make_unique<ReadLane>(storage::LaneSettings{"rocksdb-read", options.queue, options.max_batch, &clock},
                                     [this](ReadLane::Batch batch) { reader->serve(batch); });
  schedule_reads = make_schedule_lane("rocksdb-due");
  schedule_lists = make_schedule_lane("rocksdb-list");
}

// The lanes stay, to refuse what still comes; RocksDB and its lock go.
void RocksDbStorage::State::stop(const std::function<void(Database&)>& last) noexcept {
  if (writes) {
    writes->stop();
  }
  if (reads) {
    reads->stop();
  }
  for (auto* lane : {schedule_reads.get(), schedule_lists.get()}) {
    if (lane != nullptr) {
      lane->stop();
    }
  }
  health->set("the storage is closed");
  // RocksDB may take long to close, and `stats` is asked on a shard.
  std::unique_ptr<Database> closing;
  {
    const std::lock_guard lock(database_mutex);
    closing.swap(database);
  }
  try {
    if (closing) {
      last(*closing);
    }
  } catch (const std::exception&) {
    // That work would only have made the next start shorter.
  }
}

RocksDbStorage::RocksDbStorage(RocksDbOptions options, Clock& clock) {
  require_options(options);
  state_ = std::make_unique<State>(std::move(options), clock, nullptr, detail::rocks::end_process());
}
RocksDbStorage::RocksDbStorage(std::unique_ptr<State> state) : state_(std::move(state)) {}
RocksDbStorage::~RocksDbStorage() = default;
RocksDbStorage::RocksDbStorage(RocksDbStorage&&) noexcept = default;
RocksDbStorage& RocksDbStorage::operator=(RocksDbStorage&&) noexcept = default;

void salvage_rocksdb(const std::string& path) {
  RocksDbOptions options;
  options.path = path;
  const Database opened(options, nullptr, std::make_shared<Health>(), detail::rocks::Damage::given_up);
}

RocksDbStorage detail::RocksDbAccess::make(RocksDbOptions options, Clock& clock, rocksdb::Env* env,
                                           rocks::EndProcess end_process) {
  require_options(options);
  return RocksDbStorage(
      std::make_unique<RocksDbStorage::State>(std::move(options), clock, env, std::move(end_process)));
}

StoreTraits RocksDbStorage::traits() const noexcept {
  return {"rocksdb", true, false};
}

awaitable<void> RocksDbStorage::open(Deadline by) {
  auto& state = *state_;
  if (!state.options.sync) {
    log::warn("storage.sync is off: a power failure loses the last seconds of what was confirmed",
              {{"storage", "rocksdb"}});
  }
  std::function<void()> open = [&state, by] { state.open(by); };
  co_await offload(std::move(open));
}

// What the cache knows, which is nearly all, is answered without the larger frame of one that may wait.
awaitable<StoreItems> RocksDbStorage::read(std::vector<std::string> keys, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "read");
  detail::require_valid(keys);
  state.require_open();
  ++state.counters.reads;
  if (keys.empty()) {
    return answered({});
  }
  auto look = state.cache->look(keys);
  if (!look.in_doubt) {
    if (look.unknown == 0) {
      return answered(look.items(std::move(keys), {}));
    }
    if (auto items = state.read_partly(look, keys)) {
      return answered(std::move(*items));
    }
  }
  return state.read_from_database(std::move(keys), std::move(look), by);
}

awaitable<StoreItems> RocksDbStorage::State::read_from_database(std::vector<std::string> keys, DocumentCache::Look look,
                                                                Deadline by) {
  auto found = detail::rocks::read_from_memory(*database, keys);
  const auto from = found ? DocumentCache::From::memory : DocumentCache::From::disk;
  if (!found) {
    ++counters.reads_waited;
    ReadRequest request{keys, std::nullopt};
    auto answer = co_await reads->call(std::move(request), by);
    found = std::move(answer.items);
  }
  (void)cache->keep(keys, look, *found, from);
  co_return std::move(*found);
}

awaitable<StorePage> RocksDbStorage::scan(StoreScan scan, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "scan");
  detail::require_valid(scan);
  state.require_open();
  ++state.counters.reads;
  ++state.counters.reads_waited;
  ReadRequest request{{}, std::move(scan)};
  auto answer = co_await state.reads->call(std::move(request), by);
  co_return std::move(answer.page);
}

awaitable<boost::system::result<StoreReceipt, StoreConflict>> RocksDbStorage::write(StoreChanges changes, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "write");
  detail::require_valid(changes);
  state.require_open();
  if (changes.empty()) {
    return nothing_written();
  }
  return state.writes->call(WriteRequest(std::move(changes)), by);
}

awaitable<void> RocksDbStorage::close(Deadline by) {
  auto& state = *state_;
  std::function<void()> stop = [&state, by] {
    state.stop([&](Database& database) {
      if (!by.expired(state.clock)) {
        database.flush();  // so that the next start has no log to read
      }
    });
  };
  co_await offload(std::move(stop));
}

std::function<std::string()> RocksDbStorage::obstacle() const {
  return [health = state_->health] { return health->obstacle(); };
}

RocksDbStats RocksDbStorage::stats() const {
  RocksDbStats stats;
  stats.reads = state_->counters.reads;
  stats.reads_waited = state_->counters.reads_waited;
  stats.writes = state_->counters.writes;
  stats.write_batches = state_->counters.write_batches;
  const std::lock_guard lock(state_->database_mutex);
  if (state_->database) {
    state_->database->add_to(stats);
  }
  return stats;
}

}  // namespace tern
