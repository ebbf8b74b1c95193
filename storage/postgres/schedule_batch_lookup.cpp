#include "schedule_batch.hpp"

#include "binary_array.hpp"
#include "storage/idempotency_age.hpp"
#include "storage/idempotency_rule.hpp"

// The first part of a batch: it makes partitions, and asks the server for the stored state.

namespace tern::detail::pg {

namespace {

// Whether nothing but the send's own row says what becomes of it, and any owner may.
bool is_plain_fact(const SendOutcome& outcome) noexcept {
  return outcome.kind == SendOutcome::Kind::sent && !outcome.next;
}

bool is_of_pending(const SendEdit& edit) noexcept {
  return edit.kind == SendEdit::Kind::cancel || edit.kind == SendEdit::Kind::reschedule;
}

}  // namespace

void ScheduleBatch::prepare(const std::vector<const StoreChanges*>& writes) {
  std::set<std::int32_t> weeks;
  for (const auto* changes : writes) {
    for (const auto& send : changes->sends) {
      weeks.insert(week_of(send.handle.due));
    }
    for (const auto& edit : changes->edits) {
      weeks.insert(week_of(edit.new_due));
    }
    for (const auto& outcome : changes->outcomes) {
      if (outcome.next) {
        weeks.insert(week_of(*outcome.next));
      }
    }
  }
  for (const auto week : state_.weeks.missing(weeks)) {
    std::string number;
    append_binary(number, week);
    run(statements().add_week, {pqxx::binarystring(number.data(), number.size())});
    state_.weeks.add(week);
  }
}

void ScheduleBatch::look_up(const std::vector<Part>& parts) {
  Wanted wanted;
  look_up_replied(parts, wanted);
  std::set<std::uint16_t> slots;
  for (const auto& [slot, due, id] : wanted) {
    slots.insert(slot);
  }
  for (const auto& part : parts) {
    for (const auto& outcome : part.changes->outcomes) {
      if (outcome.handle.slot >= slot_count) {
        continue;
      }
      wanted.emplace(outcome.handle.slot, to_ns(outcome.handle.due), outcome.handle.id);
      if (!is_plain_fact(outcome)) {
        slots.insert(outcome.handle.slot);
      }
    }
    for (const auto& edit : part.changes->edits) {
      if (is_of_pending(edit) && edit.handle.slot < slot_count) {
        wanted.emplace(edit.handle.slot, to_ns(edit.handle.due), edit.handle.id);
        slots.insert(edit.handle.slot);
      }
    }
  }
  look_up_slots(slots);
  look_up_pending(wanted);
  look_up_missing(parts);
  look_up_dead(parts);
  look_up_keys(parts);
  Refused::Writes refused;
  for (const auto& part : parts) {
    if (auto sends = refused_sends(*part.changes); !sends.empty()) {
      refused.emplace(part.changes, std::move(sends));
    }
  }
  if (!refused.empty()) {
    throw Refused(std::move(refused));
  }
}

void ScheduleBatch::look_up_slots(const std::set<std::uint16_t>& slots) {
  if (slots.empty()) {
    return;
  }
  BinaryArray ids(ElementType::int4, slots.size());
  for (const auto slot : slots) {
    ids.add_integer(static_cast<std::int32_t>(slot));
  }
  for (const auto& row : run(statements().lock_slots, {ids.parameter()})) {
    auto& slot = slots_[slot_of(row[0])];
    slot.epoch = static_cast<std::uint64_t>(number_of(row[1]));
    slot.owned = row[2].as<bool>();
    slot.expired = row[3].as<bool>();
  }
}

void ScheduleBatch::look_up_replied(const std::vector<Part>& parts, Wanted& wanted) {
  std::map<std::uint64_t, std::string> conversations;
  for (const auto& part : parts) {
    for (const auto& edit : part.changes->edits) {
      if (edit.kind == SendEdit::Kind::reply) {
        conversations.emplace(stable_hash(edit.conversation), edit.conversation);
      }
    }
  }
  if (conversations.empty()) {
    return;
  }
  BinaryArray hashes(ElementType::int8, conversations.size());
  for (const auto& [hash, conversation] : conversations) {
    hashes.add_integer(to_signed(hash));
  }
  for (const auto& row : run(statements().find_replied, {hashes.parameter()})) {
    wanted.emplace(slot_of(row[1]), number_of(row[2]), id_of(row[0]));
  }
}

void ScheduleBatch::look_up_pending(const Wanted& wanted) {
  if (wanted.empty()) {
    return;
  }
  BinaryArray slots(ElementType::int4, wanted.size());
  BinaryArray dues(ElementType::int8, wanted.size());
  BinaryArray ids(ElementType::uuid, wanted.size());
  std::vector<std::pair<std::uint16_t, SendId>> asked;
  for (const auto& [slot, due, id] : wanted) {
    slots.add_integer(static_cast<std::int32_t>(slot));
    dues.add_integer(due);
    ids.add(bytes_of(id));
    asked.emplace_back(slot, id);
  }
  for (const auto& row : run(statements().locate, {slots.parameter(), dues.parameter(), ids.parameter()})) {
    const auto& [slot, id] = asked.at(static_cast<std::size_t>(number_of(row[0]) - 1));
    Pending pending;
    auto& state = pending.state;
    state.due = from_ns(number_of(row[1]));
    pending.seq = static_cast<std::uint64_t>(number_of(row[2]));
    state.generation = static_cast<std::uint32_t>(number_of(row[3]));
    state.attempt = static_cast<std::uint32_t>(number_of(row[4]));
    state.begun = static_cast<std::uint16_t>(number_of(row[5]));
    state.not_before = row[6].is_null() ? WallTime{} : from_ns(number_of(row[6]));
    pending.order_hash = static_cast<std::uint64_t>(number_of(row[7]));
    pending.cancel_on_reply = text_of(row[8]);
    pending.order = order_hash_of(text_of(row[9]));
    state.awaits_reply = !pending.cancel_on_reply.empty();
    if (state.awaits_reply) {
      replied_[pending.cancel_on_reply].push_back(id);
    }
    auto& item = items_[id];
    item.id = id;
    item.slot = slot;
    item.before = std::move(pending);
    item.now = item.before;
  }
}

// A send that was not where its handle and `moved` said may have been moved in that moment: the next statement sees
// it.
void ScheduleBatch::look_up_missing(const std::vector<Part>& parts) {
  Wanted missing;
  for (const auto& part : parts) {
    for (const auto& edit : part.changes->edits) {
      if (is_of_pending(edit) && edit.handle.slot < slot_count && !items_.contains(edit.handle.id)) {
        missing.emplace(edit.handle.slot, to_ns(edit.handle.due), edit.handle.id);
      }
    }
  }
  look_up_pending(missing);
}

void ScheduleBatch::look_up_dead(const std::vector<Part>& parts) {
  std::set<SendId> wanted;
  for (const auto& part : parts) {
    for (const auto& edit : part.changes->edits) {
      if (edit.kind == SendEdit::Kind::redrive || edit.kind == SendEdit::Kind::discard) {
        wanted.insert(edit.handle.id);
      }
    }
  }
  if (wanted.empty()) {
    return;
  }
  BinaryArray ids(ElementType::uuid, wanted.size());
  for (const auto& id : wanted) {
    ids.add(bytes_of(id));
  }
  const std::vector<SendId> asked(wanted.begin(), wanted.end());
  for (const auto& row : run(statements().locate_dead, {ids.parameter()})) {
    const auto& id = asked.at(static_cast<std::size_t>(number_of(row[0]) - 1));
    auto& dead = dead_[id];
    dead.id = id;
    dead.slot = slot_of(row[1]);
    auto& send = dead.send;
    send.state.generation = static_cast<std::uint32_t>(number_of(row[2]));
    send.order_hash = static_cast<std::uint64_t>(number_of(row[3]));
    send.cancel_on_reply = text_of(row[4]);
    send.order = order_hash_of(text_of(row[5]));
    send.state.awaits_reply = !send.cancel_on_reply.empty();
  }
}

void ScheduleBatch::look_up_keys(const std::vector<Part>& parts) {
  std::map<std::string, const ScheduledSend*> first;
  for (const auto& part : parts) {
    for (const auto& send : part.changes->sends) {
      if (!key_to_take(send).empty()) {
        first.emplace(send.idempotency_key, &send);
      }
    }
  }
  if (first.empty()) {
    return;
  }
  const auto claimed = claim_keys(first);
  std::erase_if(first, [&](const auto& entry) { return claimed.contains(entry.second->handle.id); });
  if (!first.empty()) {
    look_up_known(first);
  }
}

// The sends that take their keys.
std::set<SendId> ScheduleBatch::claim_keys(const std::map<std::string, const ScheduledSend*>& first) {
  BinaryArray keys(ElementType::bytea, first.size());
  BinaryArray slots(ElementType::int4, first.size());
  BinaryArray dues(ElementType::int8, first.size());
  BinaryArray ids(ElementType::uuid, first.size());
  BinaryArray digests(ElementType::uuid, first.size());
  for (const auto& [key, send] : first) {
    keys.add(key);
    slots.add_integer(static_cast<std::int32_t>(send->handle.slot));
    dues.add_integer(to_ns(send->handle.due));
    ids.add(bytes_of(send->handle.id));
    if (send->digest == SendDigest{}) {
      digests.add_null();
    } else {
      digests.add(bytes_of(send->digest));
    }
  }
  std::string now;
  append_binary(now, to_ns(now_));
  std::string cutoff;
  append_binary(cutoff, to_ns(now_ - idempotency_kept));
  std::set<SendId> claimed;
  for (const auto& row :
       run(statements().claim_keys,
           {keys.parameter(), slots.parameter(), dues.parameter(), ids.parameter(), digests.parameter(),
            pqxx::binarystring(now.data(), now.size()), pqxx::binarystring(cutoff.data(), cutoff.size())})) {
    claimed.insert(id_of(row[0]));
  }
  return claimed;
}

void ScheduleBatch::look_up_known(const std::map<std::string, const ScheduledSend*>& first) {
  BinaryArray taken(ElementType::bytea, first.size());
  std::vector<const std::string*> asked;
  for (const auto& [key, send] : first) {
    taken.add(key);
    asked.push_back(&key);
  }
  for (const auto& row : run(statements().known_keys, {taken.parameter()})) {
    const auto stored = stored_key_of(row);
    firsts_.emplace(*asked.at(static_cast<std::size_t>(number_of(row[0]) - 1)), First{stored.key, stored.moved_to});
  }
}

}  // namespace tern::detail::pg
