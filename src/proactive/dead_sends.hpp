#pragma once

#include <tern/async/deadline.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/dead_letters.hpp>

#include <cstddef>
#include <functional>
#include <vector>

namespace tern::proactive {

/// A page of the dead sends that `filter` chooses. It has `query.limit` sends unless there are no more.
/// Errors: those of the store.
awaitable<DeadPage> list_dead(AnyStorage schedule, DeadQuery query, DeadFilter filter,
                              std::function<Deadline()> in_time);

/// Makes all dead sends that `filter` chooses pending again, due at `now`, a few hundred with each write. A send that
/// dies later than `now` is not sent a second time. `told` is called for each write with the handles that were asked
/// for and the results.
/// Errors: those of the store; `errc::conflict`. Earlier writes stand.
awaitable<void> redrive_all(AnyStorage schedule, DeadFilter filter, WallTime now, std::function<Deadline()> in_time,
                            std::function<void(std::vector<SendHandle>, StoreReceipt)> told);

}  // namespace tern::proactive
