#pragma once

#include <tern/storage/rocksdb_storage.hpp>

#include "committer.hpp"
#include "fetched_sends.hpp"
#include "low_bounds.hpp"
#include "reader.hpp"
#include "schedule_reader.hpp"
#include "schedule_writer.hpp"
#include "storage/send_claims.hpp"

#include <tern/error.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern {

/// The database, the lanes and what they share. `rocksdb_storage.cpp` has the documents' part of the storage,
/// `rocksdb_storage_schedule.cpp` the schedule's.
struct RocksDbStorage::State {
  using Committer = detail::rocks::Committer;
  using Counters = detail::rocks::Counters;
  using Database = detail::rocks::Database;
  using DocumentCache = detail::rocks::DocumentCache;
  using EndProcess = detail::rocks::EndProcess;
  using FetchedSends = detail::rocks::FetchedSends;
  using Health = detail::rocks::Health;
  using LowBounds = detail::rocks::LowBounds;
  using Reader = detail::rocks::Reader;
  using ReadLane = detail::rocks::ReadLane;
  using ScheduleReader = detail::rocks::ScheduleReader;
  using ScheduleWriter = detail::rocks::ScheduleWriter;
  using WriteLane = detail::rocks::WriteLane;
  /// Reads of the schedule, which may wait for the disk.
  using ScheduleLane = storage::Lane<std::function<void()>, bool>;

  State(RocksDbOptions given, Clock& time, rocksdb::Env* file_system, EndProcess end)
      : options(std::move(given)), clock(time), env(file_system), end_process(std::move(end)) {}
  ~State() { stop(); }

  void open(Deadline by);
  std::unique_ptr<Database> open_database(Deadline by);
  void open_schedule();
  void stop() noexcept {
    stop([](Database&) {});
  }
  /// `last` is applied to the database when nobody uses it any more.
  void stop(const std::function<void(Database&)>& last) noexcept;
  std::unique_ptr<ScheduleLane> make_schedule_lane(const char* name);
  awaitable<void> on_schedule_lane(std::function<void()> work, Deadline by);
  awaitable<void> on_list_lane(std::function<void()> work, Deadline by);
  awaitable<StoreItems> read_from_database(std::vector<std::string> keys, DocumentCache::Look look, Deadline by);
  std::optional<StoreItems> read_partly(const DocumentCache::Look& look, std::vector<std::string>& keys);
  void require_open() const {
    if (!database) {
      throw_error(errc::storage_unavailable, "The RocksDB storage in " + options.path + " is not open.");
    }
  }
  void require_time(Deadline by, const char* what) const {
    if (by.expired(clock)) {
      throw_error(errc::timed_out,
                  std::string("The deadline had passed before the RocksDB storage could ") + what + ".");
    }
  }

  const RocksDbOptions options;
  Clock& clock;
  rocksdb::Env* env;
  const EndProcess end_process;
  Counters counters;
  std::shared_ptr<Health> health = std::make_shared<Health>();
  mutable std::mutex database_mutex;  // between its coming or going and `stats`
  std::unique_ptr<Database> database;
  std::unique_ptr<DocumentCache> cache;
  std::unique_ptr<storage::SendClaims> claims;
  std::unique_ptr<LowBounds> bounds;
  std::unique_ptr<FetchedSends> fetched;
  std::unique_ptr<ScheduleWriter> schedule_writer;
  std::unique_ptr<ScheduleReader> schedule_reader;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Reader> reader;
  std::unique_ptr<WriteLane> writes;
  std::unique_ptr<ReadLane> reads;
  std::unique_ptr<ScheduleLane> schedule_reads;
  std::unique_ptr<ScheduleLane> schedule_lists;  ///< lists and figures; due sends do not wait for them
};

}  // namespace tern
