#include "schedule_table.hpp"

#include "async/keyed_hash.hpp"
#include "storage/schedule_write.hpp"

// Applies a write to the schedule.

namespace tern::detail {

/// The table as the rules of the schedule see it in one write.
class ScheduleTable::Book {
 public:
  using Pending = SendRecord;
  using Dead = DeadRecord;

  Book(ScheduleTable& table, std::vector<NewSend>& sends, WallTime now) : table_(table), sends_(sends), now_(now) {}

  Pending* find(const SendHandle& handle) const { return table_.find(handle); }
  static SendState state_of(const Pending& record) { return record.send.state(); }
  bool is_held_by(const SlotLease& lease) const { return table_.owners_.is_held_by(lease); }
  // No other write comes between the question and the edit.
  bool begin_edit(const Pending& record) const { return !table_.is_being_sent(record.send); }
  static void end_sending(Pending& record) { record.send.fetched_in = 0; }

  void change(Pending& record, const SendState& state) {
    const auto before = record.send.state();
    const bool moves = state.due != before.due || state.not_before != before.not_before;
    if (moves) {
      table_.unlink(record);
    }
    record.send.set(state);
    if (moves) {
      table_.link(record);
    }
    if (ScheduleRules::is_news(before.generation, state.generation)) {
      record.send.fetched_in = 0;
      table_.tell_owner(record, now_);
    }
  }

  void erase(Pending& record) { table_.erase(record); }
  void bury(const Pending& record, std::string reason) { table_.dead_.add(record.send, std::move(reason), now_); }

  template <class Each>
  void for_each_awaiting(const std::string& conversation, const Each& each) {
    const auto found = table_.by_reply_.find(keyed_hash(conversation));
    if (found == table_.by_reply_.end()) {
      return;
    }
    const auto waiting = found->second;  // erasing takes them out of it
    for (auto* record : waiting) {
      if (record->send.cancel_on_reply() == conversation) {
        each(*record);
      }
    }
  }

  Dead* find_dead(const SendHandle& handle) { return table_.dead_.find(handle); }
  static SendState state_of(const Dead& dead) { return dead.send.state(); }
  void revive(Dead& dead, const SendState& state) {
    auto record = std::make_unique<SendRecord>(dead.send);
    table_.dead_.erase(dead);
    insert(std::move(record), state);
  }
  void discard(const Dead& dead) { table_.dead_.erase(dead); }

  std::optional<KnownKey> known_by(const std::string& key) const { return table_.known_by(key, now_); }
  void take_key(std::size_t place) {
    auto& send = sends_[place];
    table_.idempotency_.add(std::move(send.idempotency_key), {send.record->send.handle(), send.digest}, now_);
  }
  std::uint64_t add(std::size_t place, const SendState& state) {
    return insert(std::move(sends_[place].record), state);
  }

  void keep(const KeptKey& kept) { table_.idempotency_.keep(kept, now_); }
  void keep(const DeadSend& dead, std::string reason) {
    table_.dead_.add(PackedSend(dead.send, order_hash_of(dead.send.order_key)), std::move(reason), dead.died);
  }

  void count(const storage::CountChanges& changes) { changes.add_to(table_.counts_); }

 private:
  std::uint64_t insert(std::unique_ptr<SendRecord> made, const SendState& state) {
    auto& record = *made.release();
    record.send.set(state);
    record.send.seq = ++table_.last_seq_;
    record.send.fetched_in = 0;
    table_.insert(record);
    table_.tell_owner(record, now_);
    return record.send.seq;
  }

  ScheduleTable& table_;
  std::vector<NewSend>& sends_;
  const WallTime now_;
};

ScheduleTable::NewSend::NewSend(const ScheduledSend& send)
    : record(std::make_unique<SendRecord>(send, order_hash_of(send.order_key))),
      idempotency_key(key_to_take(send)),
      digest(send.digest) {}

std::optional<KnownKey> ScheduleTable::known_by(const std::string& idempotency_key, WallTime now) const {
  const auto* first = idempotency_key.empty() ? nullptr : idempotency_.find(idempotency_key, now);
  if (first == nullptr) {
    return std::nullopt;
  }
  const auto* pending = find(first->handle);
  return ScheduleRules::valid_now(*first, pending != nullptr ? std::optional(pending->send.due) : std::nullopt);
}

std::vector<KnownSend> ScheduleTable::refused(const std::vector<ScheduledSend>& sends, WallTime now) const {
  return storage::refused_sends(sends, [&](const std::string& key) { return known_by(key, now); });
}

void ScheduleTable::require_room(const std::vector<NewSend>& sends, const std::vector<SendEdit>& edits,
                                 WallTime now) const {
  auto added = static_cast<std::uint64_t>(std::count_if(
      edits.begin(), edits.end(), [](const SendEdit& edit) { return edit.kind == SendEdit::Kind::redrive; }));
  for (const auto& send : sends) {
    if (known_by(send.idempotency_key, now)) {
      continue;
    }
    const auto handle = send.record->send.handle();
    if (find(handle) != nullptr) {
      throw_error(errc::invalid_argument, ScheduleRules::pending_already(handle));
    }
    ++added;
  }
  if (counts_.pending + added > limits_.sends && added > 0) {
    throw_error(errc::overloaded, "The memory store holds " + std::to_string(counts_.pending) +
                                      " pending sends, at most " + std::to_string(limits_.sends) +
                                      " are allowed; nothing was written. Raise the limit or use a durable backend.");
  }
}

void ScheduleTable::tell_owner(const SendRecord& record, WallTime now) {
  owners_.tell(record.send.entry(), now, [this](const DueEntry& entry) {
    const auto* pending = slots_[entry.slot].find(entry.id);
    return pending == nullptr || pending->send.generation != entry.generation;
  });
}

void ScheduleTable::apply(const StoreChanges& changes, std::vector<NewSend>& sends, WallTime now,
                          StoreReceipt& receipt) noexcept {
  Book book(*this, sends, now);
  storage::ScheduleWrite(book).apply(changes, receipt);
}

}  // namespace tern::detail
