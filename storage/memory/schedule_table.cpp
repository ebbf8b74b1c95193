#include "schedule_table.hpp"

#include "async/keyed_hash.hpp"
#include "storage/estimate_over_slots.hpp"
#include "storage/idempotency_rule.hpp"
#include "storage/storable_text.hpp"

#include <queue>

namespace tern::detail {

namespace {

// An owner looks 30 s ahead. What is due within two such windows is told to it even when this table never saw it
// load so far, because its clock may be ahead of ours.
constexpr std::chrono::seconds two_windows{60};

// The most entries that one page takes under the lock, whatever was asked for.
constexpr std::size_t max_due_page = 4096;

}  // namespace

ScheduleTable::NewSend::NewSend(ScheduledSend& send)
    : record(std::make_unique<SendRecord>(send, order_hash_of(send.order_key))),
      idempotency_key(key_to_take(send)),
      digest(send.digest),
      key_is_new(send.key_is_new) {}

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

std::optional<KnownKey> ScheduleTable::known_by(const std::string& idempotency_key, WallTime now) const {
  const auto* first = idempotency_key.empty() ? nullptr : idempotency_.find(idempotency_key, now);
  if (first == nullptr) {
    return std::nullopt;
  }
  auto known = *first;
  if (const auto* pending = slots_[first->handle.slot].find(first->handle.id)) {
    known.handle = pending->send.handle();  // it may have moved
  }
  return known;
}

std::vector<KnownSend> ScheduleTable::refused(const std::vector<NewSend>& sends, WallTime now) const {
  std::vector<KnownSend> refused;
  for (std::size_t i = 0; i < sends.size(); ++i) {
    const auto known = known_by(sends[i].idempotency_key, now);
    if (known && is_refused(sends[i].key_is_new, sends[i].digest, known->digest)) {
      refused.push_back({i, *known});
    }
  }
  return refused;
}

void ScheduleTable::require_room(const std::vector<NewSend>& sends, const std::vector<SendEdit>& edits,
                                 WallTime now) const {
  auto added = static_cast<std::uint64_t>(std::count_if(
      edits.begin(), edits.end(), [](const SendEdit& edit) { return edit.kind == SendEdit::Kind::redrive; }));
  for (const auto& send : sends) {
    if (known_by(send.idempotency_key, now)) {
      continue;
    }
    const auto& fresh = send.record->send;
    if (slots_[fresh.slot].find(fresh.id) != nullptr) {
      throw_error(errc::invalid_argument, "The scheduled send " + fresh.handle().to_string() +
                                              " is pending already. Give every send an id from new_send_id().");
    }
    ++added;
  }
  if (counts_.pending + added > limits_.sends && added > 0) {
    throw_error(errc::overloaded, "The memory store holds " + std::to_string(counts_.pending) +
                                      " pending sends, at most " + std::to_string(limits_.sends) +
                                      " are allowed; nothing was written. Raise the limit or use a durable backend.");
  }
}

void ScheduleTable::apply(const StoreChanges& changes, std::vector<NewSend>& sends, WallTime now,
                          StoreReceipt& receipt) noexcept {
  for (std::size_t i = 0; i < changes.outcomes.size(); ++i) {
    if (!accept(changes.outcomes[i], now)) {
      receipt.refused.push_back(i);
    }
  }
  for (const auto& change : changes.edits) {
    auto valid_now = change.handle;
    receipt.edits.push_back(edit(change, now, valid_now) ? EditOutcome::done : EditOutcome::too_late);
    receipt.edit_handles.push_back(valid_now);
  }
  for (auto& send : sends) {
    add(send, now, receipt);
  }
  for (const auto& key : changes.keys) {
    idempotency_.keep(key, now);
  }
  for (const auto& dead : changes.dead) {
    dead_.add(PackedSend(dead.send, order_hash_of(dead.send.order_key)), dead.reason, dead.died);
  }
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
  ++counts_.pending;
  if (const auto conversation = record.send.cancel_on_reply(); !conversation.empty()) {
    by_reply_[keyed_hash(conversation)].push_back(&record);
    ++counts_.awaiting_reply;
  }
}

void ScheduleTable::erase(SendRecord& record) {
  unlink(record);
  slots_[record.send.slot].by_id.erase(record.send.id_hash(), record);
  --counts_.pending;
  if (const auto conversation = record.send.cancel_on_reply(); !conversation.empty()) {
    const auto found = by_reply_.find(keyed_hash(conversation));
    std::erase(found->second, &record);
    if (found->second.empty()) {
      by_reply_.erase(found);
    }
    --counts_.awaiting_reply;
  }
  delete &record;
}

// Due at another time, as if it had never been tried.
void ScheduleTable::renew(SendRecord& record, WallTime due) {
  unlink(record);
  auto& send = record.send;
  send.due = due;
  send.not_before = WallTime{};  // the new time counts, not the wait of an earlier failure
  send.attempt = 0;
  send.begun = 0;
  send.fetched_in = 0;
  ++send.generation;
  link(record);
}

void ScheduleTable::tell_owner(const SendRecord& record, WallTime now) {
  auto& slot = slots_[record.send.slot];
  const auto when = record.send.effective_due();
  if (!slot.is_held() || (when >= slot.loaded_until && when >= now + two_windows)) {
    return;
  }
  // An owner that does not ask must not cost memory without end: what is gone or was told twice can be dropped.
  if (slot.inbox.size() >= slot.sweep_inbox_at) {
    std::erase_if(slot.inbox, [&](const DueEntry& entry) {
      const auto* pending = slot.find(entry.id);
      return pending == nullptr || pending->send.generation != entry.generation;
    });
    slot.sweep_inbox_at = 2 * slot.inbox.size() + inbox_sweep;
  }
  slot.inbox.push_back(record.send.entry());
}

void ScheduleTable::add(NewSend& send, WallTime now, StoreReceipt& receipt) {
  // Asked again here, since an earlier send of the same write may have had the key.
  if (const auto known = known_by(send.idempotency_key, now)) {
    receipt.handles.push_back(known->handle);
    receipt.seqs.push_back(0);
    return;
  }
  auto& record = *send.record.release();
  record.send.seq = ++last_seq_;
  insert(record);
  const auto handle = record.send.handle();
  if (!send.idempotency_key.empty()) {
    idempotency_.add(std::move(send.idempotency_key), {handle, send.digest}, now);
  }
  receipt.handles.push_back(handle);
  receipt.seqs.push_back(record.send.seq);
  tell_owner(record, now);
}

// False when the outcome is stale. That a send went out is a fact and stands whoever reports it; what is to be done
// with one that did not is for the owner of now to say.
bool ScheduleTable::accept(const SendOutcome& outcome, WallTime now) {
  using Kind = SendOutcome::Kind;
  auto* record = find(outcome.handle);
  if (record != nullptr && record->send.generation != outcome.generation) {
    return false;
  }
  if (record == nullptr) {
    return outcome.kind == Kind::sent;
  }
  const bool owned = outcome.lease.slot == outcome.handle.slot && slots_[outcome.handle.slot].is_held_by(outcome.lease);
  if (outcome.kind != Kind::sent && !owned) {
    return false;
  }
  if (outcome.kind == Kind::begin) {
    ++record->send.begun;
    return true;
  }
  if (outcome.kind == Kind::retry) {
    unlink(*record);
    record->send.attempt = outcome.attempt;
    record->send.not_before = outcome.not_before;
    record->send.begun = outcome.begun;
    record->send.fetched_in = 0;
    link(*record);
    return true;
  }
  settle(*record, outcome, now);
  return true;
}

void ScheduleTable::settle(SendRecord& record, const SendOutcome& outcome, WallTime now) {
  using Kind = SendOutcome::Kind;
  counts_.sent += outcome.kind == Kind::sent ? 1 : 0;
  counts_.dead += outcome.kind == Kind::dead ? 1 : 0;
  counts_.expired += outcome.kind == Kind::expired ? 1 : 0;
  if (outcome.next) {
    renew(record, *outcome.next);
    tell_owner(record, now);
    return;
  }
  if (outcome.kind == Kind::dead) {
    dead_.add(record.send, stored_reason(outcome.reason), now);
  }
  erase(record);
}

bool ScheduleTable::edit(const SendEdit& edit, WallTime now, SendHandle& valid_now) {
  using Kind = SendEdit::Kind;
  if (edit.kind == Kind::reply) {
    cancel_replied(edit.conversation);
    return true;
  }
  if (edit.kind == Kind::discard) {
    return dead_.take(edit.handle).has_value();
  }
  if (edit.kind == Kind::redrive) {
    return redrive(edit, now, valid_now);
  }
  auto* record = find(edit.handle);
  if (record == nullptr || slots_[edit.handle.slot].is_being_sent(record->send)) {
    return false;
  }
  if (edit.kind == Kind::cancel) {
    erase(*record);
    ++counts_.cancelled;
    return true;
  }
  if (record->send.begun > 0) {
    return false;  // it may have been done: moved, it would be done again as if it had never been tried
  }
  renew(*record, edit.new_due);
  valid_now = record->send.handle();
  tell_owner(*record, now);
  return true;
}

bool ScheduleTable::redrive(const SendEdit& edit, WallTime now, SendHandle& valid_now) {
  auto dead = dead_.take(edit.handle);
  if (!dead) {
    return false;
  }
  auto& record = *std::make_unique<SendRecord>(std::move(dead->send)).release();
  insert(record);
  renew(record, edit.new_due);
  valid_now = record.send.handle();
  tell_owner(record, now);
  return true;
}

void ScheduleTable::cancel_replied(const std::string& conversation) {
  const auto found = by_reply_.find(keyed_hash(conversation));
  if (found == by_reply_.end()) {
    return;
  }
  const auto waiting = found->second;  // erasing takes them out of it
  for (auto* record : waiting) {
    if (record->send.cancel_on_reply() == conversation && !slots_[record->send.slot].is_being_sent(record->send)) {
      erase(*record);
      ++counts_.cancelled;
    }
  }
}

HeldSlots ScheduleTable::hold(const std::string& owner, std::uint16_t want) {
  std::set<std::string_view> owners{owner};
  std::size_t held = 0;
  for (const auto& slot : slots_) {
    held += slot.owner == owner ? 1 : 0;
    if (slot.is_held()) {
      owners.insert(slot.owner);
    }
  }
  HeldSlots now;
  now.owners = static_cast<std::uint16_t>(owners.size());
  now.leases.reserve(std::max<std::size_t>(held, std::min(want, slot_count)));
  for (std::uint16_t i = 0; i < slot_count; ++i) {
    auto& slot = slots_[i];
    if (!slot.is_held() && held < want) {
      slot.owner = owner;
      ++slot.epoch;
      slot.loaded_until = WallTime::min();
      slot.inbox.clear();
      slot.sweep_inbox_at = inbox_sweep;
      ++held;
    }
    if (slot.owner == owner) {
      now.leases.push_back(SlotLease{i, slot.epoch, SteadyTime::max()});
    }
  }
  return now;
}

void ScheduleTable::release(const std::vector<SlotLease>& leases) noexcept {
  for (const auto& lease : leases) {
    if (lease.slot < slot_count && slots_[lease.slot].is_held_by(lease)) {
      slots_[lease.slot].owner.clear();
      slots_[lease.slot].inbox = {};
    }
  }
}

DuePage ScheduleTable::load_due(const DueQuery& query) {
  DuePage page;
  auto& slot = slots_[query.lease.slot];
  if (!slot.is_held_by(query.lease)) {
    return page;
  }
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
  slot.loaded_until = std::max(slot.loaded_until, query.until);
  return page;
}

std::vector<DueEntry> ScheduleTable::load_late(const std::vector<SlotLease>& leases) {
  std::vector<DueEntry> late;
  for (const auto& lease : leases) {
    if (lease.slot < slot_count && slots_[lease.slot].is_held_by(lease)) {
      auto& inbox = slots_[lease.slot].inbox;
      late.insert(late.end(), inbox.begin(), inbox.end());
      inbox.clear();
    }
  }
  return late;
}

std::optional<PackedSend> ScheduleTable::fetch(const DueEntry& entry) {
  if (entry.slot >= slot_count) {
    return std::nullopt;
  }
  auto& slot = slots_[entry.slot];
  auto* record = slot.find(entry.id);
  const bool may_have_it = entry.epoch == 0 || entry.epoch == slot.epoch;
  if (!may_have_it || record == nullptr || record->send.generation != entry.generation ||
      record->send.entry().attempt != entry.attempt || slot.is_being_sent(record->send)) {
    return std::nullopt;
  }
  record->send.fetched_in = slot.epoch;
  return record->send;
}

// Not when its slot has changed hands since: who owns it now may be sending it.
void ScheduleTable::put_back(const DueEntry& entry) noexcept {
  auto* record = entry.slot < slot_count ? slots_[entry.slot].find(entry.id) : nullptr;
  if (record != nullptr && record->send.generation == entry.generation && record->send.fetched_in == entry.epoch) {
    record->send.fetched_in = 0;
  }
}

SendCounts ScheduleTable::counts() const {
  auto counts = counts_;
  counts.kept_dead = dead_.size();
  for (const auto& slot : slots_) {
    if (!slot.fresh.empty()) {
      counts.oldest = std::min(counts.oldest.value_or(WallTime::max()), slot.fresh.begin()->send.due);
    }
  }
  if (!retries_by_due_.empty()) {
    counts.oldest = std::min(counts.oldest.value_or(WallTime::max()), (*retries_by_due_.begin())->send.due);
  }
  return counts;
}

std::uint64_t ScheduleTable::count_due(const Slot& slot, WallTime from, WallTime until) {
  std::uint64_t count = 0;
  for (auto at = slot.fresh.lower_bound(TimePlace{from, 0}, ByDue());
       at != slot.fresh.end() && at->send.due < until && count < most_counted_in_slot; ++at) {
    ++count;
  }
  for (const auto& retry : slot.retries) {  // in another order; but they are few
    count += retry.send.due >= from && retry.send.due < until ? 1 : 0;
  }
  return count;
}

std::uint64_t ScheduleTable::estimate_due(WallTime from, WallTime until) const {
  return estimate_over_slots(from, until, [&](std::uint16_t first, std::uint16_t end) {
    std::uint64_t count = 0;
    for (auto slot = first; slot < end; ++slot) {
      count += count_due(slots_[slot], from, until);
    }
    return count;
  });
}

bool ScheduleTable::list(const SendQuery& query, TimePlace after, std::vector<PackedSend>& sends) const {
  if (query.handle) {
    const auto* record = find(*query.handle);
    if (record != nullptr && after < ByDue::place(*record) &&
        (!query.order_key || record->send.order_key() == *query.order_key)) {
      sends.push_back(record->send);
    }
    return false;
  }
  return query.order_key ? list_one(*query.order_key, after, query.limit, sends) : list_all(after, query.limit, sends);
}

bool ScheduleTable::list_one(const std::string& order_key, TimePlace after, std::size_t limit,
                             std::vector<PackedSend>& sends) const {
  const auto hash = order_hash_of(order_key);
  const auto& tree = slots_[slot_of(order_key)].by_order;
  for (auto at = tree.upper_bound(ByOrder::Place{hash, after}, ByOrder());
       at != tree.end() && at->send.order_hash == hash; ++at) {
    if (at->send.order_key() != order_key) {
      continue;  // another key with the same hash
    }
    if (sends.size() == limit) {
      return true;
    }
    sends.push_back(at->send);
  }
  return false;
}

// Merges the slots; a listing of everything is rare, and one more tree over all sends would cost each of them.
bool ScheduleTable::list_all(TimePlace after, std::size_t limit, std::vector<PackedSend>& sends) const {
  using Tree = SendTree<ByDueTag, ByDue>;
  const auto later = [](const Tree::const_iterator& a, const Tree::const_iterator& b) { return ByDue()(*b, *a); };
  std::priority_queue<Tree::const_iterator, std::vector<Tree::const_iterator>, decltype(later)> heads(later);
  for (const auto& slot : slots_) {
    const auto first = slot.fresh.upper_bound(after, ByDue());
    if (first != slot.fresh.end()) {
      heads.push(first);
    }
  }
  auto retry = retries_by_due_.upper_bound(after);
  while (!heads.empty() || retry != retries_by_due_.end()) {
    if (sends.size() == limit) {
      return true;
    }
    if (heads.empty() || (retry != retries_by_due_.end() && ByDue()(**retry, *heads.top()))) {
      sends.push_back((*retry++)->send);
      continue;
    }
    auto head = heads.top();
    heads.pop();
    const auto& tree = slots_[head->send.slot].fresh;
    sends.push_back(head->send);
    if (++head != tree.end()) {
      heads.push(head);
    }
  }
  return false;
}

}  // namespace tern::detail
