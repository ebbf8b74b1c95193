#pragma once

#include <tern/async/deadline.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/proactive.hpp>

#include <cstddef>
#include <functional>
#include <vector>

namespace tern::proactive {

/// A page of the dead sends that `filter` takes. It has `query.limit` of them unless there are no more.
/// Errors: those of the store.
awaitable<DeadPage> list_dead(AnyStorage schedule, DeadQuery query, DeadFilter filter,
                              std::function<Deadline()> in_time);

/// Makes all that `filter` takes pending again, due at `now`, a few hundred with each write. Those that die later than
/// `now` are not sent a second time. `told` learns of each write: the handles that were asked for, and what became of
/// them.
/// Errors: those of the store; `errc::conflict`. What was written by then stands.
awaitable<void> redrive_all(AnyStorage schedule, DeadFilter filter, WallTime now, std::function<Deadline()> in_time,
                            std::function<void(std::vector<SendHandle>, StoreReceipt)> told);

}  // namespace tern::proactive
