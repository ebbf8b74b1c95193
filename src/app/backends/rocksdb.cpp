#include "app/backends/backends.hpp"
#include "app/backends/figures.hpp"
#include "app/config_makers.hpp"

#ifdef TERN_HAS_ROCKSDB
#include <tern/storage/rocksdb_storage.hpp>
#endif

#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace tern::app {

namespace {

constexpr std::uint64_t mib = 1U << 20;
// The memtables of all column families of RocksDB.
constexpr std::uint64_t memtables = 512 * mib;
// The records that `FetchedSends` keeps, counted about.
constexpr std::uint64_t handed_out = 2 * 16 * mib;
constexpr std::string_view prefix = "rocksdb:";

/// False for a url, which may contain a password: it must not become the name of a folder.
bool is_folder_name(std::string_view name) {
  return !name.empty() && name.find("://") == std::string_view::npos;
}

std::vector<ConfigKey> keys() {
  using S = Settings;
  using T = StorageSettings;
  return {
      checked_key("storage.path", Setting{&S::storage, &T::path}, is_folder_name, "a folder",
                  "rocksdb: the folder, made when it is not there. One process at a time."),
      number_key("storage.cache_mb", Setting{&S::storage, &T::cache_mb}, 1, 1ULL << 20,
                 "rocksdb: MiB of cache. A read that the cache can answer does not wait."),
      bool_key("storage.sync", Setting{&S::storage, &T::sync},
               "rocksdb: confirm a write only when the disk has it. Off, a power failure loses the last seconds."),
  };
}

void check(const Settings& settings) {
  if (settings.storage.path.empty()) {
    throw ConfigError("storage.path is empty; storage.kind rocksdb needs a folder, such as ./tern-data.");
  }
}

std::string place(const Settings& settings) {
  std::error_code error;
  const auto path = std::filesystem::absolute(settings.storage.path, error);
  return error ? settings.storage.path : path.lexically_normal().string();
}

std::vector<MemoryBound> bounds(const Settings& settings) {
  return {{"RocksDB's block cache", "storage.cache_mb", settings.storage.cache_mb, mib},
          {"RocksDB's memtables", "", 1, memtables},
          {"scheduled sends whose outcomes RocksDB awaits", "", 1, handed_out}};
}

#ifdef TERN_HAS_ROCKSDB
void add_figures(Metrics& metrics, const std::shared_ptr<const RocksDbStorage>& store) {
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

StoreParts make(const Settings& settings, Clock& clock, Metrics* metrics, Patience patience) {
  RocksDbOptions options;
  options.wait_for_folder = patience == Patience::of_a_bot;
  options.path = settings.storage.path;
  options.cache_mb = settings.storage.cache_mb;
  options.sync = settings.storage.sync;
  options.queue = settings.limits.storage_queue;
  auto [storage, store] = AnyStorage::make_with_access<RocksDbStorage>(std::move(options), clock);
  if (metrics != nullptr) {
    add_figures(*metrics, store);
  }
  return {std::move(storage), store->obstacle()};
}
#endif

std::optional<std::string> place_in(const std::string& text) {
  if (!text.starts_with(prefix)) {
    return std::nullopt;
  }
  if (text.size() == prefix.size()) {
    throw std::invalid_argument("rocksdb: names no folder; write rocksdb:PATH, such as rocksdb:./tern-data.");
  }
  return text.substr(prefix.size());
}

std::optional<std::string> missing(const StorageSettings& storage) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::path(storage.path) / "CURRENT", error)) {
    return std::nullopt;
  }
  return "There is no RocksDB store in the folder " + storage.path + ".";
}

BackendOnCommandLine on_command_line() {
  BackendOnCommandLine tool;
  tool.usage = "rocksdb:PATH";
  tool.place_in = place_in;
  tool.set_place = [](StorageSettings& storage, const std::string& path) { storage.path = path; };
  tool.name = [](const StorageSettings& storage) { return std::string(prefix) + storage.path; };
  tool.identity = [](const StorageSettings& storage) {
    std::error_code error;
    return std::filesystem::weakly_canonical(storage.path, error).string() + '\n';
  };
  tool.missing = missing;
  return tool;
}

}  // namespace

Backend rocksdb_backend() {
  Backend backend;
  backend.kind = "rocksdb";
  backend.summary = "in a folder of this machine";
  backend.option = "TERN_WITH_ROCKSDB";
  backend.keys = keys();
  backend.check = check;
  backend.place = place;
  backend.bounds = bounds;
#ifdef TERN_HAS_ROCKSDB
  backend.make = make;
#endif
  backend.tool = on_command_line();
  return backend;
}

}  // namespace tern::app
