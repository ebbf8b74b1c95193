#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/async/deadline.hpp>
#include <tern/storage/schedule_types.hpp>
#include <tern/storage/types.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace tern {

/// All that one `write` does, all or nothing. A key may stand in it once.
struct StoreChanges {
  StoreUpserts upserts;
  std::vector<StoreRemoval> removals;
  std::vector<ScheduledSend> sends;
  std::vector<SendEdit> edits;
  std::vector<SendOutcome> outcomes;
  std::vector<KeptKey> keys;   ///< from another store: kept as they are, in place of what this one has of them
  std::vector<DeadSend> dead;  ///< from another store, which were given up there: kept as they are

  bool empty() const noexcept {
    return upserts.empty() && removals.empty() && sends.empty() && edits.empty() && outcomes.empty() && keys.empty() &&
           dead.empty();
  }
};

/// A send that was refused for its idempotency key.
struct KnownSend {
  std::size_t place = 0;  ///< among the sends of the write
  KnownKey known;
};

/// Why a write was refused; nothing of it was written. Documents are looked at first: when one of them is not as
/// expected, nothing is said of the sends.
struct StoreConflict {
  std::vector<std::string> keys = {};  ///< the documents that were not as expected
  /// The sends whose idempotency key is known, although it was to be new, or was kept with another digest.
  std::vector<KnownSend> sends = {};
};

/// What a `write` did.
struct StoreReceipt {
  std::vector<std::string> etags;        ///< of the upserts, in their order; "" for a spare one left out
  std::vector<SendHandle> handles;       ///< of the sends; a known key yields the handle of the send that it stands for
  std::vector<std::uint64_t> seqs;       ///< of the sends: the place each got; 0 when an earlier one stands
  std::vector<EditOutcome> edits;        ///< of the edits
  std::vector<SendHandle> edit_handles;  ///< of the edits: the handle that is valid now
  std::vector<std::size_t> refused;      ///< the outcomes that were stale, by position
};

/// Where a bot's documents live. Outages and overload throw `system_error`; what depends on the input is in the result.
///
/// `open` comes first, `close` last; nothing is called afterwards. All functions may be called from any thread and
/// resume on the executor of the calling coroutine. A function may begin when it is called or when it is awaited: await
/// what it returns at once. `by` bounds the wait; a write that has begun ends with its real
/// outcome. Misuse (an empty eTag, a key twice, a limit out of range) throws `errc::invalid_argument`.
template <class S>
concept Storage =
    requires(S& s, const S& cs, std::vector<std::string> keys, StoreChanges changes, StoreScan scan, Deadline by) {
      { cs.traits() } noexcept -> std::same_as<StoreTraits>;
      { s.open(by) } -> std::same_as<awaitable<void>>;
      { s.read(std::move(keys), by) } -> std::same_as<awaitable<StoreItems>>;  // one snapshot
      {
        s.write(std::move(changes), by)
      } -> std::same_as<awaitable<boost::system::result<StoreReceipt, StoreConflict>>>;
      { s.scan(std::move(scan), by) } -> std::same_as<awaitable<StorePage>>;
      { s.close(by) } -> std::same_as<awaitable<void>>;
    };

/// A store that also keeps the schedule of pending sends. See docs/architecture.md.
template <class S>
concept ScheduleStorage =
    Storage<S> && requires(S& s, std::string owner, std::vector<SlotLease> held, std::uint16_t want, DueQuery due,
                           std::vector<DueEntry> entries, SendQuery query, DeadQuery dead, WallTime from,
                           WallTime until, Deadline by) {
      // Renews what is held and takes free or expired slots, up to `want` in all; what is held is not given up.
      { s.hold_slots(std::move(owner), std::move(held), want, by) } -> std::same_as<awaitable<HeldSlots>>;
      { s.release_slots(std::move(held), by) } -> std::same_as<awaitable<void>>;
      { s.load_due(std::move(due), by) } -> std::same_as<awaitable<DuePage>>;
      // Sends that were committed into a window that had been loaded before, and whether there are slots to take.
      { s.load_late(std::move(held), by) } -> std::same_as<awaitable<LateSends>>;
      // The whole records, in the order asked for, each handed out once until its outcome or a new owner of its slot;
      // those cancelled, edited or tried since the entry was made are left out.
      { s.fetch(std::move(entries), by) } -> std::same_as<awaitable<std::vector<ScheduledSend>>>;
      // What was handed out, by these entries, and waits: it can be edited, and handed out again. At once, in memory.
      { s.put_back(entries) } noexcept -> std::same_as<void>;
      { s.list_sends(std::move(query), by) } -> std::same_as<awaitable<SendPage>>;
      { s.list_dead(std::move(dead), by) } -> std::same_as<awaitable<DeadPage>>;
      { s.count_sends(by) } -> std::same_as<awaitable<SendCounts>>;
      // How many are due from `from` on and before `until`, by their due time, whoever owns their slots. Exact when
      // there are few; above a thousand, estimated from some of the slots, and within some percent.
      { s.estimate_due(from, until, by) } -> std::same_as<awaitable<std::uint64_t>>;
    };

/// A schedule that can be moved to another store, with the idempotency keys that it knows.
template <class S>
concept MovableSchedule = ScheduleStorage<S> && requires(S& s, KeyQuery query, Deadline by) {
  { s.list_keys(std::move(query), by) } -> std::same_as<awaitable<KeyPage>>;
};

}  // namespace tern
