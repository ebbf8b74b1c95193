#pragma once

#include <tern/storage.hpp>

#include "storage/lane.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern::detail::pg {

class Session;

/// A read of keys, a scan, or another question to the server: the requests of the lanes that read.
struct ReadRequest {
  std::vector<std::string> keys;
  std::optional<StoreScan> scan;
  SteadyTime by;  ///< in real time
  std::function<void(Session&, SteadyTime cut_at)> work = {};
  StoreItems found = {};  ///< with room for all keys, from the caller's thread, which will free it
};

struct ReadAnswer {
  StoreItems items;
  StorePage page;
};

/// A write, and the room for the eTags of its receipt. The caller allocates the room, because the caller also frees
/// it.
struct WriteRequest {
  WriteRequest(StoreChanges what, SteadyTime until) : changes(std::move(what)), by(until) {
    receipt.etags.reserve(changes.upserts.size());
  }
  StoreChanges changes;
  SteadyTime by;  ///< in real time
  StoreReceipt receipt;
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
