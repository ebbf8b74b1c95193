#pragma once

#include <tern/storage/any_storage.hpp>

#include <atomic>
#include <cstdint>
#include <memory>

namespace tern {

/// Documents in one store, the schedule in another: for a backend that keeps no schedule of its own.
///
/// A `write` with both writes the documents first; a conflict or an outage there leaves the schedule as it was. The
/// sends follow whatever the deadline is, and cannot fail for want of room, because room was set aside before. If the
/// process dies between the two, those sends are lost. Keys of sends are looked up before the documents are written. A
/// key that another write takes in between counts as known: the send is dropped, with a line in the log. With a
/// schedule in memory every pending send ends with the process, and `open` says so in the log.
///
/// Thread safety: as `Storage`.
class SplitStorage {
 public:
  /// `max_sends`: the most that `schedule` takes; beyond that `write` throws `errc::overloaded`, nothing is written.
  /// Preconditions: `schedule.schedules()`; nobody else writes to it.
  SplitStorage(AnyStorage documents, AnyStorage schedule, std::uint64_t max_sends);

  StoreTraits traits() const noexcept { return documents_.traits(); }
  awaitable<void> open(Deadline by);
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) {
    return documents_.read(std::move(keys), by);
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by);
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return documents_.scan(std::move(scan), by); }
  /// Closes both, the documents even when the schedule could not be closed.
  awaitable<void> close(Deadline by);

  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want, Deadline by) {
    return schedule_.hold_slots(std::move(owner), std::move(held), want, by);
  }
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by) {
    return schedule_.release_slots(std::move(held), by);
  }
  awaitable<DuePage> load_due(DueQuery due, Deadline by) { return schedule_.load_due(std::move(due), by); }
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by) {
    return schedule_.load_late(std::move(held), by);
  }
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by) {
    return schedule_.fetch(std::move(entries), by);
  }
  void put_back(const std::vector<DueEntry>& entries) noexcept { schedule_.put_back(entries); }
  awaitable<SendPage> list_sends(SendQuery query, Deadline by) { return schedule_.list_sends(std::move(query), by); }
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by) { return schedule_.list_dead(std::move(query), by); }
  awaitable<KeyPage> list_keys(KeyQuery query, Deadline by) { return schedule_.list_keys(std::move(query), by); }
  awaitable<SendCounts> count_sends(Deadline by) { return schedule_.count_sends(by); }
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by) {
    return schedule_.estimate_due(from, until, by);
  }
  /// The documents' store tells of them; the schedule is of this process alone.
  void hear_hints(HintListener listener) { hears_ = documents_.listen("", std::move(listener)); }
  bool hears_hints() const noexcept { return documents_.hears_hints(); }
  void hear_notes(NoteListener listener) { hears_notes_ = documents_.listen_to_notes("", std::move(listener)); }
  void tell(std::string topic, std::string text) { documents_.tell(std::move(topic), std::move(text)); }

 private:
  using Written = boost::system::result<StoreReceipt, StoreConflict>;
  class Room;

  awaitable<Written> write_with_schedule(StoreChanges changes, Deadline by);
  /// The sends whose keys are known although they must be new.
  awaitable<std::vector<KnownSend>> refused(const std::vector<ScheduledSend>& sends, Deadline by);

  AnyStorage documents_;
  AnyStorage schedule_;
  std::uint64_t max_sends_;
  /// Sends of writes that are under way. Behind a pointer, so that the store can be moved before it is open.
  std::unique_ptr<std::atomic<std::uint64_t>> set_aside_;
  HintSubscription hears_;
  HintSubscription hears_notes_;
};

static_assert(ScheduleStorage<SplitStorage> && NotingStorage<SplitStorage>);

}  // namespace tern
