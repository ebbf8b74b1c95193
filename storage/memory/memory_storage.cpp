#include "document_table.hpp"
#include "schedule_table.hpp"

#include <tern/storage/memory_storage.hpp>

#include "storage/validate.hpp"

#include <mutex>

namespace tern {

using detail::DeadRecord;
using detail::DocumentTable;
using detail::PackedSend;
using detail::ScheduleTable;

// One lock for all: it is held for a few hundred nanoseconds for each item, copies no text, and never across a
// suspension. A write over documents and schedule is one unit, and a read one snapshot, without further care.
struct MemoryStorage::State {
  State(const MemoryStorageLimits& bounds, Clock& time)
      : limits(bounds), clock(time), documents(bounds.bytes), schedule(bounds) {}

  void require_time(Deadline by, const char* what) const {
    if (!by.is_never() && by.expired(clock)) {
      throw_error(errc::timed_out, "The deadline had passed before the memory store could " + std::string(what) + ".");
    }
  }

  const MemoryStorageLimits limits;
  Clock& clock;
  mutable std::mutex mutex;
  DocumentTable documents;
  ScheduleTable schedule;
};

MemoryStorage::MemoryStorage(MemoryStorageLimits limits, Clock& clock)
    : state_(std::make_unique<State>(limits, clock)) {}
MemoryStorage::~MemoryStorage() = default;
MemoryStorage::MemoryStorage(MemoryStorage&&) noexcept = default;
MemoryStorage& MemoryStorage::operator=(MemoryStorage&&) noexcept = default;

StoreTraits MemoryStorage::traits() const noexcept {
  return {"memory", false, false};
}

awaitable<void> MemoryStorage::open(Deadline) {
  co_return;
}

awaitable<void> MemoryStorage::close(Deadline) {
  co_return;
}

awaitable<StoreItems> MemoryStorage::read(std::vector<std::string> keys, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "read");
  detail::require_valid(keys);
  std::vector<std::pair<DocumentTable::Text, std::uint64_t>> found;
  found.reserve(keys.size());
  {
    const std::lock_guard lock(state.mutex);
    for (const auto& key : keys) {
      found.push_back(state.documents.find(key));
    }
  }
  StoreItems items;
  items.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (found[i].first) {
      items.add(StoreItem(std::move(keys[i]), *found[i].first, detail::etag_text(found[i].second)));
    }
  }
  co_return items;
}

namespace {

std::vector<DocumentTable::Change> prepare_documents(StoreChanges& changes) {
  std::vector<DocumentTable::Change> prepared;
  prepared.reserve(changes.upserts.size() + changes.removals.size());
  for (auto& upsert : changes.upserts) {
    prepared.emplace_back(upsert);
  }
  for (auto& removal : changes.removals) {
    prepared.emplace_back(removal);
  }
  return prepared;
}

std::vector<ScheduleTable::NewSend> prepare_sends(const StoreChanges& changes) {
  std::vector<ScheduleTable::NewSend> prepared;
  prepared.reserve(changes.sends.size());
  for (const auto& send : changes.sends) {
    prepared.emplace_back(send);
  }
  return prepared;
}

StoreReceipt prepare_receipt(const StoreChanges& changes) {
  StoreReceipt receipt;
  receipt.etags.reserve(changes.upserts.size());
  receipt.handles.reserve(changes.sends.size());
  receipt.seqs.reserve(changes.sends.size());
  receipt.edits.reserve(changes.edits.size());
  receipt.edit_handles.reserve(changes.edits.size());
  return receipt;
}

}  // namespace

awaitable<boost::system::result<StoreReceipt, StoreConflict>> MemoryStorage::write(StoreChanges changes, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "write; nothing was written");
  detail::require_valid(changes);
  auto documents = prepare_documents(changes);
  auto sends = prepare_sends(changes);
  auto receipt = prepare_receipt(changes);
  const auto now = state.clock.wall_now();

  const std::lock_guard lock(state.mutex);
  auto conflicts = state.documents.conflicts(documents);
  if (!conflicts.empty()) {
    co_return StoreConflict{std::move(conflicts)};
  }
  auto known = state.schedule.refused(changes.sends, now);
  if (!known.empty()) {
    co_return StoreConflict{{}, std::move(known)};
  }
  state.documents.leave_out_spare(documents);
  if (!state.documents.fits(documents)) {
    throw_error(errc::overloaded, "The documents of the memory store would exceed " +
                                      std::to_string(state.limits.bytes) +
                                      " bytes; nothing was written. Raise the limit or use a durable backend.");
  }
  state.schedule.require_room(sends, changes.edits, now);
  state.documents.apply(documents, receipt.etags);
  state.schedule.apply(changes, sends, now, receipt);
  co_return receipt;
}

awaitable<StorePage> MemoryStorage::scan(StoreScan scan, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "scan");
  detail::require_valid(scan);
  std::vector<DocumentTable::Row> rows;
  rows.reserve(scan.limit);
  bool more = false;
  {
    const std::lock_guard lock(state.mutex);
    more = state.documents.scan(scan, rows);
  }
  StorePage page;
  page.items.reserve(rows.size());
  for (auto& row : rows) {
    page.items.emplace_back(std::move(row.key), *row.text, detail::etag_text(row.etag));
  }
  if (more) {
    page.next = page.items.back().key;
  }
  co_return page;
}

awaitable<HeldSlots> MemoryStorage::hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want,
                                               Deadline by) {
  auto& state = *state_;
  state.require_time(by, "lease slots");
  if (owner.empty()) {
    throw_error(errc::invalid_argument, "An owner of slots needs a name. Use one that is unique to the process.");
  }
  // `held` tells nothing new: leases do not expire, so the table knows what the owner holds.
  held.clear();
  const std::lock_guard lock(state.mutex);
  co_return state.schedule.hold(owner, want);
}

awaitable<void> MemoryStorage::release_slots(std::vector<SlotLease> held, Deadline) {
  const std::lock_guard lock(state_->mutex);
  state_->schedule.release(held);
  co_return;
}

awaitable<DuePage> MemoryStorage::load_due(DueQuery due, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "load due sends");
  detail::require_valid(due);
  const std::lock_guard lock(state.mutex);
  co_return state.schedule.load_due(due);
}

awaitable<LateSends> MemoryStorage::load_late(std::vector<SlotLease> held, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "load late sends");
  const std::lock_guard lock(state.mutex);
  co_return LateSends{state.schedule.load_late(held), false};
}

awaitable<std::vector<ScheduledSend>> MemoryStorage::fetch(std::vector<DueEntry> entries, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "fetch sends");
  std::vector<PackedSend> packed;
  packed.reserve(entries.size());
  {
    const std::lock_guard lock(state.mutex);
    for (const auto& entry : entries) {
      if (auto send = state.schedule.fetch(entry)) {
        packed.push_back(std::move(*send));
      }
    }
  }
  std::vector<ScheduledSend> sends;
  sends.reserve(packed.size());
  for (const auto& send : packed) {
    sends.push_back(send.unpack());
  }
  co_return sends;
}

void MemoryStorage::put_back(const std::vector<DueEntry>& entries) noexcept {
  const std::lock_guard lock(state_->mutex);
  for (const auto& entry : entries) {
    state_->schedule.put_back(entry);
  }
}

awaitable<SendPage> MemoryStorage::list_sends(SendQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list sends");
  detail::require_valid(query);
  detail::TimePlace after{WallTime::min(), 0};
  if (!query.after.empty()) {
    const auto place = detail::SendPlace::parse(query.after);
    after = {place.due, place.seq};
  }
  std::vector<PackedSend> packed;
  SendPage page;
  bool more = false;
  {
    const std::lock_guard lock(state.mutex);
    if (query.idempotency_key) {
      page.known = state.schedule.known_by(*query.idempotency_key, state.clock.wall_now());
      query = SendQuery();
      query.handle = page.known ? page.known->handle : SendHandle{slot_count};
      after = {WallTime::min(), 0};
    }
    more = state.schedule.list(query, after, packed);
  }
  page.sends.reserve(packed.size());
  for (const auto& send : packed) {
    page.sends.push_back(send.unpack());
  }
  if (more) {
    page.next = detail::SendPlace{packed.back().due, packed.back().seq}.to_string();
  }
  co_return page;
}

awaitable<KeyPage> MemoryStorage::list_keys(KeyQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list idempotency keys");
  detail::require_valid(query);
  KeyPage page;
  {
    const std::lock_guard lock(state.mutex);
    page.keys = state.schedule.list_keys(query, state.clock.wall_now());
  }
  if (page.keys.size() > query.limit) {
    page.keys.pop_back();
    page.next = page.keys.back().key;
  }
  co_return page;
}

awaitable<SendCounts> MemoryStorage::count_sends(Deadline by) {
  auto& state = *state_;
  state.require_time(by, "count sends");
  const std::lock_guard lock(state.mutex);
  co_return state.schedule.counts();
}

awaitable<std::uint64_t> MemoryStorage::estimate_due(WallTime from, WallTime until, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "count sends");
  const std::lock_guard lock(state.mutex);
  co_return state.schedule.estimate_due(from, until);
}

awaitable<DeadPage> MemoryStorage::list_dead(DeadQuery query, Deadline by) {
  auto& state = *state_;
  state.require_time(by, "list dead sends");
  detail::require_valid(query);
  const auto after = detail::place_of_page(query.after);
  std::vector<DeadRecord> found;
  std::uint64_t last = 0;
  bool more = false;
  {
    const std::lock_guard lock(state.mutex);
    more = state.schedule.list_dead(query, after, found, last);
  }
  DeadPage page;
  page.sends.reserve(found.size());
  for (auto& dead : found) {
    page.sends.push_back({dead.send.unpack(), std::move(dead.reason), dead.died});
  }
  if (more) {
    page.next = std::to_string(last);
  }
  co_return page;
}

}  // namespace tern
