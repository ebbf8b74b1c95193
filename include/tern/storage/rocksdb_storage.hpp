#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tern {

namespace detail {
struct RocksDbAccess;
}

/// Where a `RocksDbStorage` keeps its documents, and its bounds.
struct RocksDbOptions {
  /// The folder; made when it is not there. It belongs on a local disk.
  std::string path = "./tern-data";
  /// MiB of cache, half of it for documents and half for blocks of the files; 1 or more. A read that the cache can
  /// answer is answered on the caller's thread.
  std::size_t cache_mb = 64;
  /// Whether a write is confirmed only when the disk has it. When off, `kill -9` loses nothing, and a power failure
  /// loses the writes of the last seconds.
  bool sync = true;
  /// How many writes, and how many reads, may wait; more fail with `errc::overloaded`. 1 or more.
  std::size_t queue = 4096;
  /// Writes in one batch, with one sync; 1 or more.
  std::size_t max_batch = 256;
  /// Whether `open` waits until its deadline while another process has the folder, since that process may be about to
  /// end. When off, `open` fails at once.
  bool wait_for_folder = false;
};

/// Figures of a `RocksDbStorage`: counts since it was opened, and sizes at this moment.
struct RocksDbStats {
  std::uint64_t reads = 0;                     ///< reads and scans
  std::uint64_t reads_waited = 0;              ///< of `reads`: answered by a thread, from the disk
  std::uint64_t writes = 0;                    ///< without conflicts
  std::uint64_t write_batches = 0;             ///< synced together
  std::uint64_t cache_bytes = 0;               ///< of the block cache, in use
  std::uint64_t memtable_bytes = 0;            ///< not yet in a table file
  std::uint64_t table_bytes = 0;               ///< of table files
  std::uint64_t pending_compaction_bytes = 0;  ///< that compaction still has to rewrite
};

/// Documents and the schedule in a folder of this machine. One process owns the folder; a second one is refused when it
/// opens it. Leases of slots do not expire: they end with the process.
///
/// A thread owns the writer and puts all waiting writes into one batch with one sync. A read that the memory can answer
/// is answered on the caller's thread; other reads go to a thread. When a sync fails, the process ends with a message:
/// nobody knows then which writes are on the disk, and only opening the folder anew finds out. A full disk does not end
/// the process: writes fail with `errc::storage_unavailable` until there is room.
///
/// Thread safety: all functions from any thread.
class RocksDbStorage {
 public:
  /// Errors: `errc::invalid_argument` for options out of range.
  explicit RocksDbStorage(RocksDbOptions options, Clock& clock = system_clock());
  ~RocksDbStorage();
  ///@{
  /// Moves the whole store.
  RocksDbStorage(RocksDbStorage&&) noexcept;
  RocksDbStorage& operator=(RocksDbStorage&&) noexcept;
  ///@}

  /// "rocksdb": durable, not shared.
  StoreTraits traits() const noexcept;

  /// Opens the folder, and recovers it after a crash. With `RocksDbOptions::wait_for_folder` it waits until `by` for
  /// another process that has the folder.
  /// Errors: `errc::storage_unavailable` when another process has the folder, or it cannot be read or is damaged;
  /// `errc::invalid_argument` when a newer version of Tern has written it.
  awaitable<void> open(Deadline by);
  ///@{
  /// As the concept `Storage` says.
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by);
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by);
  awaitable<StorePage> scan(StoreScan scan, Deadline by);
  ///@}

  ///@{
  /// As the concepts `ScheduleStorage` and `MovableSchedule` say.
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

  /// Waits for the operations under way; operations that wait in the queue fail.
  awaitable<void> close(Deadline by);

  /// A function that returns why the store cannot be written to, and "" when it can. The function may outlive the store
  /// and be called from any thread.
  std::function<std::string()> obstacle() const;

  /// The figures at this moment.
  RocksDbStats stats() const;

 private:
  struct State;
  friend struct detail::RocksDbAccess;
  explicit RocksDbStorage(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

static_assert(ScheduleStorage<RocksDbStorage>);

}  // namespace tern
