#pragma once

#include "failure.hpp"

#include <tern/storage/rocksdb_storage.hpp>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tern::detail::rocks {

/// How to treat a log that is damaged before its end.
enum class Damage : std::uint8_t {
  refused,  ///< the folder is not opened, unless `sync` is off: then a power failure may cause such damage
  given_up  ///< the folder is opened without the writes after the damage
};

/// The open folder: RocksDB, its column families, and the last eTag that was given.
///
/// `documents` holds a record for each key. `meta` holds the version of the layout, the last eTag, and what the
/// schedule counts; the other families are the schedule's (see schedule_keys.hpp).
class Database {
 public:
  struct Schedule {
    rocksdb::ColumnFamilyHandle* due = nullptr;
    rocksdb::ColumnFamilyHandle* retry = nullptr;
    rocksdb::ColumnFamilyHandle* loc = nullptr;
    rocksdb::ColumnFamilyHandle* order = nullptr;
    rocksdb::ColumnFamilyHandle* reply = nullptr;
    rocksdb::ColumnFamilyHandle* idempotency = nullptr;
    rocksdb::ColumnFamilyHandle* dead = nullptr;
  };

  /// Opens or makes the folder. `env`: the file system, nullptr for the machine's. `health` is told when RocksDB has
  /// found room on a disk that was full; RocksDB looks every few seconds.
  /// Errors: as `RocksDbStorage::open`.
  Database(const RocksDbOptions& options, rocksdb::Env* env, std::shared_ptr<Health> health,
           Damage damage = Damage::refused);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() noexcept { return *db_; }
  rocksdb::ColumnFamilyHandle* documents() const noexcept { return documents_; }
  rocksdb::ColumnFamilyHandle* meta() const noexcept { return meta_; }
  const std::string& path() const noexcept { return path_; }
  const Schedule& schedule() const noexcept { return schedule_; }
  std::uint64_t last_etag() const noexcept { return last_etag_; }
  /// How often the folder was opened, this time included.
  std::uint64_t openings() const noexcept { return openings_; }

  /// A value of `meta`; nullopt when there is none.
  /// Errors: `errc::storage_unavailable`.
  std::optional<std::string> meta_value(const std::string& key) const;

  /// The results of a look-up: a value and a status for each key. They are destroyed before the database.
  struct Found {
    std::vector<rocksdb::PinnableSlice> values;
    std::vector<rocksdb::Status> statuses;
  };
  /// Looks up all keys at once, each given once, which asks the filters of memory and of each table for many at a time.
  Found find_all(rocksdb::ColumnFamilyHandle* family, const std::vector<std::string>& keys) const;

  /// Called before each write. When a log could not be written, RocksDB goes on with a new one once it has flushed what
  /// is in memory. With nothing there it would go on with the old one, whose first use then ends the process
  /// (github.com/facebook/rocksdb/issues/11643). So something is there.
  void keep_recoverable();

  /// Writes the lists in memory into tables. A failure is only logged: the log of RocksDB has all of it. Blocks.
  void flush();

  /// Figures of RocksDB.
  void add_to(RocksDbStats& stats) const;

 private:
  void open(const rocksdb::DBOptions& options);
  void check_version();
  /// Begins with an eTag higher than any that was given before, counts this opening, and stores both.
  void begin_etags();

  const std::string path_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  rocksdb::ColumnFamilyHandle* documents_ = nullptr;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  Schedule schedule_;
  std::uint64_t last_etag_ = 0;
  std::uint64_t openings_ = 0;
};

inline constexpr const char* last_etag_key = "last_etag";
inline constexpr const char* schedule_state_key = "schedule";
/// Where the lower bound of a slot is kept.
std::string low_key(std::uint16_t slot);

/// The counters of the lanes.
struct Counters {
  std::atomic<std::uint64_t> reads = 0;
  std::atomic<std::uint64_t> reads_waited = 0;
  std::atomic<std::uint64_t> writes = 0;
  std::atomic<std::uint64_t> write_batches = 0;
};

}  // namespace tern::detail::rocks
