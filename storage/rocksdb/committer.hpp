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

/// A write, and the room for its receipt, which the caller allocates since it also frees it: a block that is freed on
/// another thread than its own costs both.
struct WriteRequest {
  explicit WriteRequest(StoreChanges what) : changes(std::move(what)) { receipt.etags.reserve(changes.upserts.size()); }
  StoreChanges changes;
  StoreReceipt receipt;
};
using WriteLane = storage::Lane<WriteRequest, WriteAnswer>;

/// Writes the batches of the one lane that writes: all that go through as one RocksDB batch with one sync.
///
/// Each write is judged in order of arrival against what is stored and what the writes before it in the batch change,
/// so that of many writers of one key each gets the answer that it would have got alone. What RocksDB is given is only
/// how a key stands in the end, in the order of keys, which its sorted list takes at half the price.
///
/// Sends, edits and outcomes of a write are judged with it, by the `ScheduleWriter`.
///
/// eTags count up for the whole store. The last one is written with the batch that gives it, so that none is given
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

  /// Every ticket is answered, unless it throws: then nothing was written, and the lane fails those without an answer.
  void serve(WriteLane::Batch batch);

 private:
  /// What one write does to one key.
  struct Row {
    const std::string* key;
    const Expect* expect;
    const std::string* document;  ///< nullptr removes
    std::uint32_t place = 0;
  };
  /// A key of the batch, as the writes so far leave it.
  struct Place {
    explicit Place(std::string_view key) : name(key) {}
    DocumentCache::Name name;
    std::uint64_t etag = 0;  ///< 0: absent, or nothing is expected of it
    const Row* last = nullptr;
    bool expected = false;
    std::exception_ptr error;  ///< what is stored cannot be read
  };
  using Rows = std::span<Row>;
  using Written = std::vector<std::pair<WriteLane::Ticket*, StoreReceipt>>;

  /// The rows of all writes, those of one side by side, and the keys in order.
  void collect(WriteLane::Batch batch);
  /// Reads the eTags of all keys of which something is expected.
  void look_up();
  void look_up_in_database(const std::vector<rocksdb::Slice>& keys, const std::vector<Place*>& unknown);
  /// Whether any of the writes has sends, edits or outcomes, of which all that is stored is then looked up.
  bool look_up_schedule(WriteLane::Batch batch);
  /// Throws what was wrong with reading what the write expects.
  std::vector<std::string> conflicts(Rows rows) const;
  StoreReceipt apply(WriteRequest& write, Rows rows);
  /// Answers the writes that do not go through; the others, applied.
  Written judge(WriteLane::Batch batch);
  /// Whether the write goes through; otherwise it is answered.
  bool passes(WriteLane::Ticket& ticket, Rows rows) const;
  /// What `apply` has left, as RocksDB's batch and for the cache.
  void fill_batch();
  rocksdb::Status write(bool has_schedule);

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
