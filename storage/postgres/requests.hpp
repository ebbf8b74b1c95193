#pragma once

#include <tern/storage.hpp>

#include "storage/lane.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tern::detail::pg {

class Session;

/// A read of keys, a scan, or something else to ask of the server: what the reading lanes are asked for.
struct ReadRequest {
  std::vector<std::string> keys;
  std::optional<StoreScan> scan;
  SteadyTime by;  ///< in real time
  std::function<void(Session&, SteadyTime cut_at)> work = {};
};

struct ReadAnswer {
  StoreItems items;
  StorePage page;
};

struct WriteRequest {
  StoreChanges changes;
  SteadyTime by;  ///< in real time
};

/// Something to do for the schedule, on the lane's connection.
struct ScheduleRequest {
  std::function<void(Session&, SteadyTime cut_at)> work;
  SteadyTime by;  ///< in real time
};

using WriteAnswer = boost::system::result<StoreReceipt, StoreConflict>;

using ReadLane = storage::Lane<ReadRequest, ReadAnswer>;
using WriteLane = storage::Lane<WriteRequest, WriteAnswer>;
using ScheduleLane = storage::Lane<ScheduleRequest, bool>;

}  // namespace tern::detail::pg
