#pragma once

#include <tern/storage.hpp>

#include "storage/lane.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tern::detail::pg {

/// A read of keys, or a scan: what the reading lanes are asked for.
struct ReadRequest {
  std::vector<std::string> keys;
  std::optional<StoreScan> scan;
  SteadyTime by;  ///< in real time
};

struct ReadAnswer {
  StoreItems items;
  StorePage page;
};

struct WriteRequest {
  StoreChanges changes;
  SteadyTime by;  ///< in real time
};

using WriteAnswer = boost::system::result<StoreReceipt, StoreConflict>;

using ReadLane = storage::Lane<ReadRequest, ReadAnswer>;
using WriteLane = storage::Lane<WriteRequest, WriteAnswer>;

}  // namespace tern::detail::pg
