#pragma once

#include "database.hpp"
#include "document_cache.hpp"
#include "storage/lane.hpp"

#include <rocksdb/write_batch.h>

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tern::detail::rocks {

using WriteAnswer = boost::system::result<StoreReceipt, StoreConflict>;
using WriteLane = storage::Lane<StoreChanges, WriteAnswer>;

/// Writes the batches of the one lane that writes: all that go through as one RocksDB batch with one sync.
///
/// Each write is judged in order of arrival against what is stored and what the writes before it in the batch change,
/// so that of many writers of one key each gets the answer that it would have got alone.
///
/// eTags count up for the whole store. The last one is written with the batch that gives it, so that none is given
/// twice, whatever is removed, and whenever the process ends.
class Committer {
 public:
  Committer(Database& database, DocumentCache& cache, bool sync, EndProcess end_process, Counters& counters)
      : database_(database),
        cache_(cache),
        end_process_(std::move(end_process)),
        counters_(counters),
        last_etag_(database.last_etag()) {
    options_.sync = sync;
  }

  /// Every ticket is answered.
  void serve(WriteLane::Batch batch);

 private:
  /// The eTag of a key as the writes so far leave it; 0 when it is absent.
  using Etags = std::unordered_map<std::string_view, std::uint64_t>;

  /// Reads the eTags of all keys of which something is expected. Keys are views of the tickets' own.
  void look_up(WriteLane::Batch batch, Etags& known);
  std::vector<std::string> conflicts(const StoreChanges& changes, const Etags& known) const;
  StoreReceipt apply(StoreChanges& changes, Etags& known, rocksdb::WriteBatch& writes);

  Database& database_;
  DocumentCache& cache_;
  const EndProcess end_process_;
  Counters& counters_;
  rocksdb::WriteOptions options_;
  std::uint64_t last_etag_;
  std::vector<DocumentCache::Change> changes_;  // of the batch under way
};

}  // namespace tern::detail::rocks
