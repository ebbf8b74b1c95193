#pragma once

#include "database.hpp"
#include "document_cache.hpp"
#include "schedule_writer.hpp"
#include "storage/lane.hpp"

#include <rocksdb/write_batch.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::detail::rocks {

using WriteAnswer = boost::system::result<StoreReceipt, StoreConflict>;

/// A write, and the room for its receipt. The caller allocates that room, because the caller also frees it: a block
/// that is freed on another thread costs both threads time.
struct WriteRequest {
  explicit WriteRequest(StoreChanges what) : changes(std::move(what)) { receipt.etags.reserve(changes.upserts.size()); }
  StoreChanges changes;
  StoreReceipt receipt;
};
using WriteLane = storage::Lane<WriteRequest, WriteAnswer>;

/// Writes the batches of the lane that writes: all writes that go through become one RocksDB batch with one sync.
///
/// Writes are judged in the order of arrival, against the stored data and the changes of earlier writes in the batch.
/// So each of many writers of one key gets the answer that it would have got alone. RocksDB is given only the final
/// value of each key, in the order of keys, which its sorted list takes at half the price.
///
/// Sends, edits and outcomes of a write are judged with it, by the `ScheduleWriter`.
///
/// eTags count up for the whole store. The last eTag is written with the batch that gives it. So no eTag is given
/// twice, whatever is removed, and whenever the process ends.
class Committer {
 public:
  Committer(Database& database, DocumentCache& cache, ScheduleWriter& schedule, bool sync, EndProcess end_process,
            Counters& counters)
      : database_(database),
        cache_(cache),
        schedule_(schedule),
        end_process_(std::move(end_process)),
        counters_(counters),
        last_etag_(database.last_etag()) {
    options_.sync = sync;
  }

  /// Answers every ticket. If it throws, nothing was written, and the lane fails the tickets without an answer.
  void serve(WriteLane::Batch batch);

 private:
  /// The change of one key by one write.
  struct Row {
    const std::string* key;
    const Expect* expect;
    const std::string* document;  ///< nullptr removes
    std::uint32_t place = 0;
  };
  /// A key of the batch, after the writes so far.
  struct Place {
    explicit Place(std::string_view key) : name(key) {}
    DocumentCache::Name name;
    std::uint64_t etag = 0;  ///< 0: absent, or no write has a condition on it
    const Row* last = nullptr;
    bool expected = false;
    std::exception_ptr error;  ///< the stored value cannot be read
  };
  using Rows = std::span<Row>;
  using Written = std::vector<std::pair<WriteLane::Ticket*, StoreReceipt>>;

  /// The rows of all writes, those of one side by side, and the keys in order.
  void collect(WriteLane::Batch batch);
  /// Reads the eTags of all keys on which a write has a condition.
  void look_up();
  void look_up_in_database(const std::vector<rocksdb::Slice>& keys, const std::vector<Place*>& unknown);
  /// Whether any of the writes has sends, edits or outcomes. If so, their stored records are looked up.
  bool look_up_schedule(WriteLane::Batch batch);
  /// Throws the error of reading a key on which the write has a condition.
  std::vector<std::string> conflicts(Rows rows) const;
  StoreReceipt apply(WriteRequest& write, Rows rows);
  /// Answers the writes that do not go through; the others, applied.
  Written judge(WriteLane::Batch batch);
  /// Whether the write goes through; otherwise it is answered.
  bool passes(WriteLane::Ticket& ticket, Rows rows) const;
  /// The results of `apply`, as RocksDB's batch and for the cache.
  void fill_batch();
  rocksdb::Status write(bool has_schedule);
  /// Answers the writes that went through `judge`.
  void answer(Written& written, const rocksdb::Status& status);

  Database& database_;
  DocumentCache& cache_;
  ScheduleWriter& schedule_;
  const EndProcess end_process_;
  Counters& counters_;
  rocksdb::WriteOptions options_;
  std::uint64_t last_etag_;

  // Of the batch under way; kept for their memory.
  std::vector<Row> rows_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> order_;
  rocksdb::WriteBatch writes_;
  std::vector<DocumentCache::Change> changes_;
};

}  // namespace tern::detail::rocks
