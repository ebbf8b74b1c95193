#include "schedule_table.hpp"

#include "async/keyed_hash.hpp"

namespace tern::detail {

namespace {

// The most entries that one page takes under the lock, whatever was asked for.
constexpr std::size_t max_due_page = 4096;

}  // namespace

ScheduleTable::ScheduleTable(const MemoryStorageLimits& limits)
    : limits_(limits), idempotency_(limits.idempotency_keys), dead_(limits.dead) {}

ScheduleTable::~ScheduleTable() {
  for (auto& slot : slots_) {
    slot.by_order.clear();
    slot.fresh.clear_and_dispose(std::default_delete<SendRecord>());
    slot.retries.clear_and_dispose(std::default_delete<SendRecord>());
  }
}

SendRecord* ScheduleTable::Slot::find(const std::array<std::uint8_t, 16>& id) const {
  return by_id.find(PackedSend::hash_of(id), [&](const SendRecord& record) { return record.send.id == id; });
}

SendRecord* ScheduleTable::find(const SendHandle& handle) const {
  if (handle.slot >= slot_count) {
    return nullptr;
  }
  return slots_[handle.slot].find(handle.id);
}

void ScheduleTable::link(SendRecord& record) {
  auto& slot = slots_[record.send.slot];
  if (record.send.is_retry()) {
    slot.retries.insert(record);
    retries_by_due_.insert(&record);
  } else {
    slot.fresh.insert(record);
  }
  slot.by_order.insert(record);
}

void ScheduleTable::unlink(SendRecord& record) {
  auto& slot = slots_[record.send.slot];
  if (record.send.is_retry()) {
    slot.retries.erase(slot.retries.iterator_to(record));
    retries_by_due_.erase(&record);
  } else {
    slot.fresh.erase(slot.fresh.iterator_to(record));
  }
  slot.by_order.erase(slot.by_order.iterator_to(record));
}

void ScheduleTable::insert(SendRecord& record) {
  link(record);
  slots_[record.send.slot].by_id.insert(record.send.id_hash(), record);
  if (const auto conversation = record.send.cancel_on_reply(); !conversation.empty()) {
    by_reply_[keyed_hash(conversation)].push_back(&record);
  }
}

void ScheduleTable::erase(SendRecord& record) {
  unlink(record);
  slots_[record.send.slot].by_id.erase(record.send.id_hash(), record);
  if (const auto conversation = record.send.cancel_on_reply(); !conversation.empty()) {
    const auto found = by_reply_.find(keyed_hash(conversation));
    std::erase(found->second, &record);
    if (found->second.empty()) {
      by_reply_.erase(found);
    }
  }
  delete &record;
}

DuePage ScheduleTable::load_due(const DueQuery& query) {
  DuePage page;
  if (!owners_.is_held_by(query.lease)) {
    return page;
  }
  const auto& slot = slots_[query.lease.slot];
  const TimePlace after{query.from, query.after_seq};
  const TimePlace end{query.until, 0};
  const auto limit = std::min(query.limit, max_due_page);
  auto fresh = slot.fresh.upper_bound(after, ByDue());
  auto retry = slot.retries.upper_bound(after, ByEffectiveDue());
  const auto fresh_end = slot.fresh.lower_bound(end, ByDue());
  const auto retry_end = slot.retries.lower_bound(end, ByEffectiveDue());
  // `until` before `from` is an empty page, not an endless one.
  while (after < end && (fresh != fresh_end || retry != retry_end)) {
    if (page.entries.size() == limit) {
      page.more = true;
      break;
    }
    const bool take_retry = fresh == fresh_end || (retry != retry_end && ByEffectiveDue()(*retry, *fresh));
    page.entries.push_back(take_retry ? (retry++)->send.entry() : (fresh++)->send.entry());
  }
  owners_.note_loaded(query.lease, query.until);
  return page;
}

std::optional<PackedSend> ScheduleTable::fetch(const DueEntry& entry) {
  if (!owners_.is_held(entry.slot)) {
    return std::nullopt;
  }
  const auto epoch = owners_.epoch(entry.slot);
  auto* record = slots_[entry.slot].find(entry.id);
  const bool may_have_it = entry.epoch == 0 || entry.epoch == epoch;
  if (!may_have_it || record == nullptr || is_being_sent(record->send) ||
      !ScheduleRules::is_current(entry, record->send.generation, record->send.attempt)) {
    return std::nullopt;
  }
  record->send.fetched_in = epoch;
  return record->send;
}

// Not when its slot has changed hands since: who owns it now may be sending it.
void ScheduleTable::put_back(const DueEntry& entry) noexcept {
  auto* record = entry.slot < slot_count ? slots_[entry.slot].find(entry.id) : nullptr;
  if (record != nullptr && record->send.generation == entry.generation && record->send.fetched_in == entry.epoch) {
    record->send.fetched_in = 0;
  }
}

}  // namespace tern::detail
