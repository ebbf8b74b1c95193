#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/async/deadline.hpp>
#include <tern/storage/hints.hpp>
#include <tern/storage/schedule_types.hpp>
#include <tern/storage/types.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace tern {

/// The changes of one `write`, all or nothing. A document's key may occur once.
struct StoreChanges {
  StoreList<StoreUpsert> upserts;      ///< documents to write
  std::vector<StoreRemoval> removals;  ///< documents to remove
  std::vector<ScheduledSend> sends;    ///< new sends
  std::vector<SendEdit> edits;         ///< changes of stored sends
  std::vector<SendOutcome> outcomes;   ///< results of sends that were handed out
  std::vector<KeptKey> keys;           ///< copied from another store; they replace keys of the same name
  std::vector<DeadSend> dead;          ///< dead sends, copied from another store
  /// Topics of which listeners are told once this is written (`AnyStorage::listen`): at most 100, each of 1 to 256
  /// printable characters of ASCII.
  std::vector<std::string> hints;

  /// Whether there is nothing to write; hints do not count.
  bool empty() const noexcept {
    return upserts.empty() && removals.empty() && sends.empty() && edits.empty() && outcomes.empty() && keys.empty() &&
           dead.empty();
  }
};

/// A send that was refused for its idempotency key.
struct KnownSend {
  std::size_t place = 0;  ///< position among the sends of the write
  KnownKey known;         ///< the send that the key stands for
};

/// Why a write was refused; nothing of it was written. Documents are compared first: when one of them is not as
/// expected, `sends` is empty.
struct StoreConflict {
  std::vector<std::string> keys = {};  ///< the documents that were not as expected
  /// The sends whose idempotency key is known, although it was to be new, or was kept with another digest.
  std::vector<KnownSend> sends = {};
};

/// The results of a `write`.
struct StoreReceipt {
  std::vector<std::string> etags;        ///< of the upserts, in their order; "" for a spare document that was left out
  std::vector<SendHandle> handles;       ///< of the sends; a known key yields the handle of the send that it stands for
  std::vector<std::uint64_t> seqs;       ///< of the sends: the `seq` that each got; 0 when its key was known
  std::vector<EditOutcome> edits;        ///< of the edits
  std::vector<SendHandle> edit_handles;  ///< of the edits: the handle that is valid now
  std::vector<std::size_t> refused;      ///< the outcomes that were stale, by position
};

/// A store of a bot's documents. Outages and overload throw `system_error`; a result that depends on the input is
/// returned.
///
/// `open` comes first, `close` last; nothing is called afterwards. All functions may be called from any thread and
/// resume on the executor of the calling coroutine. A function may begin when it is called or when it is awaited, so
/// await the awaitable at once. `by` bounds the wait; a write that has begun ends with its real outcome. Misuse (an
/// empty eTag, a key twice, a limit out of range) throws `errc::invalid_argument`.
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
      // Renews the leases in `held` and takes free or expired slots, up to `want` in all. A slot in `held` is not given
      // up, even when there are more than `want`.
      { s.hold_slots(std::move(owner), std::move(held), want, by) } -> std::same_as<awaitable<HeldSlots>>;
      { s.release_slots(std::move(held), by) } -> std::same_as<awaitable<void>>;
      { s.load_due(std::move(due), by) } -> std::same_as<awaitable<DuePage>>;
      // Sends that were committed into a window that had been loaded before, and whether there are slots to take.
      { s.load_late(std::move(held), by) } -> std::same_as<awaitable<LateSends>>;
      // The whole records, in the order of `entries`. A record is handed out once: again only after its outcome, or to
      // a new owner of its slot. A send that was cancelled, edited or tried since the entry was made is left out.
      { s.fetch(std::move(entries), by) } -> std::same_as<awaitable<std::vector<ScheduledSend>>>;
      // Takes back sends that were handed out and have to wait: they can be edited, and handed out again. At once, in
      // memory.
      { s.put_back(entries) } noexcept -> std::same_as<void>;
      { s.list_sends(std::move(query), by) } -> std::same_as<awaitable<SendPage>>;
      { s.list_dead(std::move(dead), by) } -> std::same_as<awaitable<DeadPage>>;
      { s.count_sends(by) } -> std::same_as<awaitable<SendCounts>>;
      // How many sends are due from `from` on and before `until`, by their due time, whoever owns their slots. Up to a
      // thousand the number is exact; above, it is estimated from some of the slots, within some percent.
      { s.estimate_due(from, until, by) } -> std::same_as<awaitable<std::uint64_t>>;
    };

/// A schedule that can be copied to another store, with its idempotency keys.
template <class S>
concept MovableSchedule = ScheduleStorage<S> && requires(S& s, KeyQuery query, Deadline by) {
  { s.list_keys(std::move(query), by) } -> std::same_as<awaitable<KeyPage>>;
};

/// A store that several processes share, and that tells each of them what the others have written. It is told of hints
/// as part of each write, and passes them on when the write is committed, if it is.
template <class S>
concept HintingStorage = Storage<S> && requires(S& s, const S& cs, HintListener listener) {
  // From now on `listener` is told of the hints of other processes, and with an empty topic when some may have been
  // missed: also when it begins to hear. Called once at most, before or after `open`; a listener that is running when
  // the store ends is waited for.
  { s.hear_hints(std::move(listener)) } -> std::same_as<void>;
  // Whether hints of all processes are heard now.
  { cs.hears_hints() } noexcept -> std::same_as<bool>;
};

/// A hinting store that passes on notes as well: texts of the moment, such as that somebody is typing, which no process
/// keeps. It is for what is worth nothing a second later. A note may be lost, and nothing waits for it.
template <class S>
concept NotingStorage =
    HintingStorage<S> && requires(S& s, std::string topic, std::string text, NoteListener listener) {
      // Tells the other processes, soon, if hints are heard now. Of notes that wait with the same topic, the last one
      // is told. From any thread, after `open`.
      { s.tell(std::move(topic), std::move(text)) } -> std::same_as<void>;
      // From now on `listener` is told the notes of other processes. Called once at most, before `hear_hints`.
      { s.hear_notes(std::move(listener)) } -> std::same_as<void>;
    };

}  // namespace tern
