#pragma once

#include "database.hpp"
#include "storage/lane.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tern::detail::rocks {

/// A read of keys, or a scan.
struct ReadRequest {
  std::vector<std::string> keys;
  std::optional<StoreScan> scan;
};

struct ReadAnswer {
  StoreItems items;
  StorePage page;
};

using ReadLane = storage::Lane<ReadRequest, ReadAnswer>;

/// Reads what memory can answer: the newest writes, and blocks in the cache. nullopt when the disk would be needed.
/// Never blocks. One snapshot. Errors: `errc::storage_unavailable`.
std::optional<StoreItems> read_from_memory(Database& database, const std::vector<std::string>& keys);

/// Answers the batches of a lane that may wait for the disk.
class Reader {
 public:
  explicit Reader(Database& database) : database_(database) {}

  /// Every ticket is answered.
  void serve(ReadLane::Batch batch);

 private:
  void read(const std::vector<ReadLane::Ticket*>& tickets);
  StorePage scan(const StoreScan& query);

  Database& database_;
};

}  // namespace tern::detail::rocks
