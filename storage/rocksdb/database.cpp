#include "database.hpp"

#include "events.hpp"
#include "log_damage.hpp"
#include "record.hpp"
#include "schedule_keys.hpp"
#include "storage/idempotency_age.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <rocksdb/compaction_filter.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>

namespace tern::detail::rocks {

namespace {

constexpr std::uint64_t layout_version = 2;  // 2: the schedule
constexpr const char* version_key = "version";
constexpr const char* filler_key = "filler";
constexpr const char* documents_name = "documents";
constexpr const char* due_name = "due";
constexpr const char* retry_name = "retry";
constexpr const char* loc_name = "loc";
constexpr const char* order_name = "order";
constexpr const char* reply_name = "reply";
constexpr const char* idempotency_name = "idempotency";
constexpr const char* dead_name = "dead";
constexpr std::array schedule_names{due_name,   retry_name,       loc_name, order_name,
                                    reply_name, idempotency_name, dead_name};
constexpr const char* meta_name = "meta";
constexpr const char* openings_key = "openings";
constexpr std::size_t schedule_memtable_bytes = 8U << 20;
// Where the records are. Each one that is full begins a new log, whose file and folder the next batches sync with
// theirs.
constexpr std::size_t records_memtable_bytes = 24U << 20;
// A table in which so many of so many neighbours are deleted is compacted at once, or a search would walk over them.
constexpr std::size_t deletions_window = 4096;
constexpr std::size_t deletions_trigger = 2048;
constexpr double filter_bits = 10;
// The newest writes are a sorted list in memory. A turn that writes two documents spent 14 us in a list of 64 MiB, most
// of it waiting for memory, and 10 us in one of 2 MiB, which a core's cache holds. The levels begin smaller to match,
// or each flush would rewrite 256 MiB.
constexpr std::size_t memtable_bytes = 2U << 20;
// When a log has grown to its bound all families are flushed, one after the other, and writes must not wait for that.
constexpr int memtables = 4;
constexpr double memtable_filter_ratio = 0.02;
constexpr int tables_to_merge = 4;
constexpr std::uint64_t first_level_bytes = 16U << 20;
constexpr std::uint64_t table_bytes = 8U << 20;
// The schedule keeps more, and a table is a file that every start opens.
constexpr std::uint64_t schedule_first_level_bytes = 64U << 20;
constexpr std::uint64_t schedule_table_bytes = 32U << 20;
// Every batch writes a few bytes to `meta`, which keeps a log alive until `meta` is flushed. Without a bound logs grew
// to 1.5 GB, which the next start after a crash would read for seconds.
constexpr std::uint64_t most_log_bytes = 64ULL << 20;
// Compaction writes to the disk in pieces of this size. Without it a whole table waits in the system's memory, and the
// sync of the next batch waits for all of it.
constexpr std::uint64_t piece_bytes = 512U << 10;
// With `sync` off a power failure loses writes, and with them the eTags that callers may still hold: more than can be
// given in the time that a system keeps what it has not written to the disk.
constexpr std::uint64_t etags_lost_at_most = 1ULL << 32;

using Prepopulate = rocksdb::BlockBasedTableOptions::PrepopulateBlockCache;

/// `flushed`: whether what is flushed stays as near as it was in the memtable.
rocksdb::ColumnFamilyOptions family_options(const std::shared_ptr<rocksdb::Cache>& cache, Prepopulate flushed) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(filter_bits));
  table.prepopulate_block_cache = flushed;
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = memtable_bytes;
  options.max_write_buffer_number = memtables;
  options.level0_file_num_compaction_trigger = tables_to_merge;
  options.max_bytes_for_level_base = first_level_bytes;
  options.target_file_size_base = table_bytes;
  // A key that is not among the newest writes is told by a filter there too, not by a search of their sorted list.
  options.memtable_prefix_bloom_size_ratio = memtable_filter_ratio;
  options.memtable_whole_key_filtering = true;
  // A batch comes sorted: each key is looked for from where the one before it went.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(0));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Flushed tables are soon merged and written again: to compress them twice takes a core from the shards.
  options.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression, options.compression};
  return options;
}

/// Forgets idempotency keys after their time.
class ForgetOldKeys final : public rocksdb::CompactionFilter {
 public:
  const char* Name() const override { return "tern.idempotency"; }
  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*, bool*) const override {
    const auto first = decode_first({value.data(), value.size()});
    return first && is_key_forgotten(first->came, std::chrono::system_clock::now());
  }
};

rocksdb::ColumnFamilyOptions schedule_options(const std::shared_ptr<rocksdb::Cache>& cache, const std::string& name) {
  static const ForgetOldKeys forget_old_keys;
  auto options = family_options(cache, Prepopulate::kDisable);  // most is read once, much later
  options.write_buffer_size = name == due_name ? records_memtable_bytes : schedule_memtable_bytes;
  options.max_bytes_for_level_base = schedule_first_level_bytes;
  options.target_file_size_base = schedule_table_bytes;
  if (name == due_name || name == loc_name || name == order_name) {
    options.table_properties_collector_factories.push_back(
        rocksdb::NewCompactOnDeletionCollectorFactory(deletions_window, deletions_trigger));
  }
  if (name == idempotency_name) {
    options.compaction_filter = &forget_old_keys;
  }
  return options;
}

// A process or a machine that ends while it writes leaves the last record of a log incomplete, or zeros after it; none
// of that was confirmed. RocksDB's default stops just as silently at a record in the middle that the disk has changed,
// and all that was confirmed after it is gone without a word. So with `sync` anything else than such an end is refused.
// Without, a power failure may leave holes in what the system had not written yet, and losing that is what was agreed.
rocksdb::WALRecoveryMode recovery_mode(bool sync, Damage damage) {
  return sync && damage == Damage::refused ? rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords
                                           : rocksdb::WALRecoveryMode::kPointInTimeRecovery;
}

rocksdb::DBOptions database_options(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.env = env != nullptr ? env : rocksdb::Env::Default();
  options.max_open_files = -1;  // a table's index and filter stay in memory, so that a read on a shard needs no disk
  options.allow_concurrent_memtable_write = false;  // there is one writer
  options.enable_write_thread_adaptive_yield = false;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<InfoLog>();
  options.max_total_wal_size = most_log_bytes;
  options.bytes_per_sync = piece_bytes;
  // Merging tables takes the cores that the shards and the writer leave, and a tenth of one that they do not.
  (void)options.env->LowerThreadPoolCPUPriority(rocksdb::Env::Priority::LOW, rocksdb::CpuPriority::kLow);
  return options;
}

void require_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    throw_error(errc::storage_unavailable, "The folder " + path + " of the RocksDB storage cannot be made: " +
                                               error.message() + ". Check storage.path and who may write there.");
  }
}

std::uint64_t number_property(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const std::string& name) {
  std::uint64_t value = 0;
  return db.GetIntProperty(family, name, &value) ? value : 0;
}

}  // namespace

Database::Database(const RocksDbOptions& options, rocksdb::Env* env, std::shared_ptr<Health> health, Damage damage)
    : path_(options.path), cache_(rocksdb::NewLRUCache((options.cache_mb << 20) / 2)) {
  require_folder(path_);
  auto own = database_options(env);
  own.listeners.push_back(std::make_shared<HealthListener>(std::move(health), path_));
  own.wal_recovery_mode = recovery_mode(options.sync, damage);
  open(own);
  try {
    check_version();
    begin_etags();
  } catch (...) {
    for (auto* family : families_) {
      db_->DestroyColumnFamilyHandle(family);
    }
    throw;
  }
}

Database::~Database() {
  for (auto* family : families_) {
    db_->DestroyColumnFamilyHandle(family);
  }
}

void Database::open(const rocksdb::DBOptions& options) {
  std::vector<std::string> names;
  // Fails for a folder that is new. All that are there must be named, also those of a newer layout.
  if (!rocksdb::DB::ListColumnFamilies(options, path_, &names).ok()) {
    names.clear();
  }
  std::vector<std::string> ours{rocksdb::kDefaultColumnFamilyName, documents_name, meta_name};
  ours.insert(ours.end(), schedule_names.begin(), schedule_names.end());
  for (const auto& name : ours) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(names.size());
  for (const auto& name : names) {
    const bool schedules = std::find(schedule_names.begin(), schedule_names.end(), name) != schedule_names.end();
    families.emplace_back(name, schedules ? schedule_options(cache_, name)
                                          : family_options(cache_, Prepopulate::kFlushOnly));  // a turn reads it soon
  }
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(options, path_, families, &families_, &db);
  if (status.IsCorruption() && options.wal_recovery_mode != rocksdb::WALRecoveryMode::kPointInTimeRecovery &&
      may_open_without_end(options, path_, families, status)) {
    auto lenient = options;
    lenient.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    status = rocksdb::DB::Open(lenient, path_, families, &families_, &db);
  }
  if (!status.ok()) {
    std::rethrow_exception(unavailable(status, path_, "be opened"));
  }
  db_.reset(db);
  const auto family = [&](const char* name) {
    return families_[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
  };
  documents_ = family(documents_name);
  meta_ = family(meta_name);
  schedule_ = {family(due_name),   family(retry_name),       family(loc_name), family(order_name),
               family(reply_name), family(idempotency_name), family(dead_name)};
}

std::string low_key(std::uint16_t slot) {
  return "low/" + std::to_string(slot);
}

std::optional<std::string> Database::meta_value(const std::string& key) const {
  std::string bytes;
  const auto status = db_->Get(rocksdb::ReadOptions(), meta_, key, &bytes);
  if (status.IsNotFound()) {
    return std::nullopt;
  }
  if (!status.ok()) {
    std::rethrow_exception(unavailable(status, path_, "be read"));
  }
  return bytes;
}

void Database::check_version() {
  std::string bytes;
  const auto status = db_->Get(rocksdb::ReadOptions(), meta_, version_key, &bytes);
  if (status.IsNotFound()) {
    return;
  }
  if (!status.ok()) {
    std::rethrow_exception(unavailable(status, path_, "be read"));
  }
  const auto version = decode_number(bytes);
  if (!version || *version > layout_version) {
    throw_error(errc::invalid_argument, "The RocksDB storage in " + path_ + " has layout version " +
                                            (version ? std::to_string(*version) : "(unreadable)") +
                                            "; this program knows versions up to " + std::to_string(layout_version) +
                                            ". Use the newer Tern that wrote it, or another folder.");
  }
}

void Database::begin_etags() {
  const auto number = [this](const char* key) {
    const auto bytes = meta_value(key);
    const auto value = bytes ? decode_number(*bytes) : 0;
    if (!value) {
      const auto why = rocksdb::Status::Corruption(std::string(key) + " is no number");
      std::rethrow_exception(unavailable(why, path_, "be read"));
    }
    return *value;
  };
  last_etag_ = number(last_etag_key) + etags_lost_at_most;
  openings_ = number(openings_key) + 1;
  rocksdb::WriteBatch begun;
  (void)begun.Put(meta_, version_key, encode_number(layout_version));
  (void)begun.Put(meta_, last_etag_key, encode_number(last_etag_));
  (void)begun.Put(meta_, openings_key, encode_number(openings_));
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const auto status = db_->Write(synced, &begun);
  if (!status.ok()) {
    std::rethrow_exception(unavailable(status, path_, "be prepared"));
  }
}

Database::Found Database::find_all(rocksdb::ColumnFamilyHandle* family, const std::vector<std::string>& keys) const {
  Found found{std::vector<rocksdb::PinnableSlice>(keys.size()), std::vector<rocksdb::Status>(keys.size())};
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  if (!keys.empty()) {
    db_->MultiGet(rocksdb::ReadOptions(), family, keys.size(), slices.data(), found.values.data(),
                  found.statuses.data());
  }
  return found;
}

void Database::keep_recoverable() {
  if (number_property(*db_, meta_, rocksdb::DB::Properties::kNumEntriesActiveMemTable) > 0) {
    return;
  }
  rocksdb::WriteOptions memory_alone;
  memory_alone.disableWAL = true;
  (void)db_->Put(memory_alone, meta_, filler_key, rocksdb::Slice());  // its failure is that of the write that follows
}

void Database::flush() {
  rocksdb::FlushOptions options;
  options.allow_write_stall = true;  // nobody writes any more
  if (const auto status = db_->Flush(options, families_); !status.ok()) {
    log::warn("the RocksDB storage was closed without a flush, so that its next start reads its log",
              {{"error", status.ToString()}});
  }
}

void Database::add_to(RocksDbStats& stats) const {
  const auto sum = [this](const std::string& name) {
    return std::accumulate(
        families_.begin(), families_.end(), std::uint64_t{0},
        [&](std::uint64_t total, auto* family) { return total + number_property(*db_, family, name); });
  };
  stats.cache_bytes = cache_->GetUsage();
  stats.memtable_bytes = sum(rocksdb::DB::Properties::kCurSizeAllMemTables);
  stats.table_bytes = sum(rocksdb::DB::Properties::kTotalSstFilesSize);
  stats.pending_compaction_bytes = sum(rocksdb::DB::Properties::kEstimatePendingCompactionBytes);
}

}  // namespace tern::detail::rocks
