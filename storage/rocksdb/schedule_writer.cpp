#include "schedule_writer.hpp"

#include "byte_text.hpp"
#include "storage/idempotency_rule.hpp"
#include "storage/storable_text.hpp"

#include <tern/error.hpp>

#include <utility>

namespace tern::detail::rocks {

std::string ScheduleState::encode() const {
  ByteWriter bytes;
  bytes.number(std::uint8_t{1});
  for (const auto number : {counts.pending, counts.sent, counts.cancelled, counts.expired, counts.dead,
                            counts.awaiting_reply, counts.kept_dead, last_seq, last_dead, first_dead}) {
    bytes.number(number);
  }
  return bytes.take();
}

std::optional<ScheduleState> ScheduleState::decode(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.number<std::uint8_t>() != 1) {
    return std::nullopt;
  }
  ScheduleState state;
  for (auto* number :
       {&state.counts.pending, &state.counts.sent, &state.counts.cancelled, &state.counts.expired, &state.counts.dead,
        &state.counts.awaiting_reply, &state.counts.kept_dead, &state.last_seq, &state.last_dead, &state.first_dead}) {
    *number = reader.number<std::uint64_t>();
  }
  return reader.at_end() ? std::optional(state) : std::nullopt;
}

ScheduleWriter::Item* ScheduleWriter::find(const SendHandle& handle) {
  const auto found = items_.find(handle.id);
  if (found == items_.end() || !found->second.now || found->second.now->send.handle.slot != handle.slot) {
    return nullptr;
  }
  return &found->second;
}

KnownKey ScheduleWriter::valid_now(const KnownKey& first) const {
  auto known = first;
  if (const auto found = items_.find(first.handle.id); found != items_.end() && found->second.now) {
    known.handle = found->second.now->send.handle;
  }
  return known;
}

std::vector<KnownSend> ScheduleWriter::refused(const StoreChanges& changes) const {
  std::vector<KnownSend> refused;
  for (std::size_t i = 0; i < changes.sends.size(); ++i) {
    const auto& send = changes.sends[i];
    const auto first = key_to_take(send).empty() ? firsts_.end() : firsts_.find(key_to_take(send));
    if (first != firsts_.end() && is_refused(send.key_is_new, send.digest, first->second.digest)) {
      refused.push_back({i, valid_now(first->second)});
    }
  }
  return refused;
}

void ScheduleWriter::require(const StoreChanges& changes) const {
  const auto readable = [this](const SendId& id) {
    const auto found = items_.find(id);
    if (found != items_.end() && found->second.error) {
      std::rethrow_exception(found->second.error);
    }
  };
  for (const auto& outcome : changes.outcomes) {
    readable(outcome.handle.id);
  }
  for (const auto& edit : changes.edits) {
    readable(edit.handle.id);
  }
  for (const auto& send : changes.sends) {
    readable(send.handle.id);
    if (firsts_.contains(key_to_take(send))) {
      continue;
    }
    const auto found = items_.find(send.handle.id);
    if (found != items_.end() && found->second.now) {
      throw_error(errc::invalid_argument, "The scheduled send " + send.handle.to_string() +
                                              " is pending already. Give every send an id from new_send_id().");
    }
  }
}

void ScheduleWriter::apply(const StoreChanges& changes, StoreReceipt& receipt) {
  for (std::size_t i = 0; i < changes.outcomes.size(); ++i) {
    if (!accept(changes.outcomes[i])) {
      receipt.refused.push_back(i);
    }
  }
  for (const auto& change : changes.edits) {
    auto valid_now = change.handle;
    receipt.edits.push_back(edit(change, valid_now));
    receipt.edit_handles.push_back(valid_now);
  }
  for (const auto& send : changes.sends) {
    add(send, receipt);
  }
  for (const auto& kept : changes.keys) {
    firsts_.insert_or_assign(kept.key, kept.known);
    new_firsts_.emplace_back(kept.key, FirstSend{kept.came, kept.known});
  }
  for (const auto& dead : changes.dead) {
    keep_dead(dead);
  }
}

// False when the outcome is stale. That a send went out is a fact and stands whoever reports it; what is to be done
// with one that did not is for the owner of now to say.
bool ScheduleWriter::accept(const SendOutcome& outcome) {
  using Kind = SendOutcome::Kind;
  auto* item = find(outcome.handle);
  if (item == nullptr) {
    return outcome.kind == Kind::sent;
  }
  auto& send = item->now->send;
  if (send.generation != outcome.generation) {
    return false;
  }
  const bool owned = outcome.lease.slot == outcome.handle.slot && slots_.is_held_by(outcome.lease);
  if (outcome.kind != Kind::sent && !owned) {
    return false;
  }
  item->changed = true;
  if (outcome.kind == Kind::begin) {
    ++send.begun;
    return true;
  }
  item->ended = true;
  if (outcome.kind == Kind::retry) {
    send.attempt = outcome.attempt;
    send.not_before = outcome.not_before;
    send.begun = outcome.begun;
    return true;
  }
  settle(*item, outcome);
  return true;
}

void ScheduleWriter::settle(Item& item, const SendOutcome& outcome) {
  using Kind = SendOutcome::Kind;
  auto& counts = state_.counts;
  counts.sent += outcome.kind == Kind::sent ? 1 : 0;
  counts.dead += outcome.kind == Kind::dead ? 1 : 0;
  counts.expired += outcome.kind == Kind::expired ? 1 : 0;
  if (outcome.next) {
    renew(item, *outcome.next);
    return;
  }
  if (outcome.kind == Kind::dead) {
    bury(*item.now, outcome.reason);
  }
  erase(item);
}

void ScheduleWriter::bury(const Pending& pending, const std::string& reason) {
  keep_dead(DeadSend{pending.send, stored_reason(reason), now_});
}

void ScheduleWriter::keep_dead(DeadSend send) {
  auto& dead = dead_[send.send.handle.id];
  dead.number = ++state_.last_dead;
  dead.dead = std::move(send);
  dead.is_stored = false;
  dead.gone = false;
  ++state_.counts.kept_dead;
}

bool ScheduleWriter::may_edit(Item& item) {
  if (item.ended || item.edited) {
    return true;
  }
  const auto& handle = item.now->send.handle;
  item.edited = slots_.begin_edit(handle.slot, handle.id);
  return item.edited;
}

EditOutcome ScheduleWriter::edit(const SendEdit& edit, SendHandle& valid_now) {
  using Kind = SendEdit::Kind;
  if (edit.kind == Kind::reply) {
    cancel_replied(edit.conversation);
    return EditOutcome::done;
  }
  if (edit.kind == Kind::redrive) {
    return redrive(edit, valid_now);
  }
  if (edit.kind == Kind::discard) {
    const auto dead = dead_.find(edit.handle.id);
    if (dead == dead_.end() || dead->second.gone || dead->second.dead.send.handle.slot != edit.handle.slot) {
      return EditOutcome::too_late;
    }
    dead->second.gone = true;
    --state_.counts.kept_dead;
    return EditOutcome::done;
  }
  auto* item = find(edit.handle);
  if (item == nullptr || !may_edit(*item)) {
    return EditOutcome::too_late;
  }
  if (edit.kind == Kind::cancel) {
    erase(*item);
    ++state_.counts.cancelled;
    return EditOutcome::done;
  }
  if (item->now->send.begun > 0) {
    return EditOutcome::too_late;  // it may have been done: moved, it would be done again as if it had never been tried
  }
  renew(*item, edit.new_due);
  valid_now = item->now->send.handle;
  return EditOutcome::done;
}

EditOutcome ScheduleWriter::redrive(const SendEdit& edit, SendHandle& valid_now) {
  const auto found = dead_.find(edit.handle.id);
  if (found == dead_.end() || found->second.gone || found->second.dead.send.handle.slot != edit.handle.slot) {
    return EditOutcome::too_late;
  }
  found->second.gone = true;
  --state_.counts.kept_dead;
  auto& item = items_[edit.handle.id];
  insert(item, found->second.dead.send);
  renew(item, edit.new_due);
  valid_now = item.now->send.handle;
  return EditOutcome::done;
}

void ScheduleWriter::cancel_replied(const std::string& conversation) {
  // Those that were stored, and those that came in this batch.
  auto ids = replied_[conversation];
  for (const auto& [id, item] : items_) {
    if (item.now && !item.before && item.now->send.cancel_on_reply == conversation) {
      ids.push_back(id);
    }
  }
  for (const auto& id : ids) {
    auto& item = items_[id];
    if (item.now && item.now->send.cancel_on_reply == conversation && may_edit(item)) {
      erase(item);
      ++state_.counts.cancelled;
    }
  }
}

void ScheduleWriter::add(const ScheduledSend& send, StoreReceipt& receipt) {
  if (!key_to_take(send).empty()) {
    const KnownKey key{send.handle, send.digest};
    const auto [first, is_new] = firsts_.try_emplace(send.idempotency_key, key);
    if (!is_new) {
      receipt.handles.push_back(valid_now(first->second).handle);
      receipt.seqs.push_back(0);
      return;
    }
    new_firsts_.emplace_back(send.idempotency_key, FirstSend{now_, key});
  }
  auto& item = items_[send.handle.id];
  insert(item, send);
  receipt.handles.push_back(send.handle);
  receipt.seqs.push_back(item.now->place.seq);
}

Place ScheduleWriter::place_for(std::uint16_t slot, WallTime due) {
  return slots_.enter(slot, Place{due, ++state_.last_seq}, now_);
}

void ScheduleWriter::insert(Item& item, ScheduledSend send) {
  const auto place = place_for(send.handle.slot, send.handle.due);
  send.seq = place.seq;
  ++state_.counts.pending;
  state_.counts.awaiting_reply += send.cancel_on_reply.empty() ? 0 : 1;
  item.now = Pending{std::move(send), place};
  item.changed = true;
}

void ScheduleWriter::erase(Item& item) {
  --state_.counts.pending;
  state_.counts.awaiting_reply -= item.now->send.cancel_on_reply.empty() ? 0 : 1;
  item.now.reset();
  item.changed = true;
}

// Due at another time, as if it had never been tried. It keeps its number in the order of commit.
void ScheduleWriter::renew(Item& item, WallTime due) {
  auto& send = item.now->send;
  send.handle.due = due;
  send.not_before = WallTime{};
  send.attempt = 0;
  send.begun = 0;
  ++send.generation;
  item.now->place = slots_.enter(send.handle.slot, Place{due, item.now->place.seq}, now_);
  item.changed = true;
}

void ScheduleWriter::finish(bool written) {
  std::vector<SendId> edited;
  std::vector<SendId> ended;
  if (!written) {
    state_ = state_before_;
  }
  for (const auto& [id, item] : items_) {
    if (item.edited) {
      edited.push_back(id);
    }
    if (written && item.ended) {
      ended.push_back(id);
    }
  }
  slots_.end_batch(written);
  slots_.unclaim(ended);
  slots_.end_edits(edited);
  // Its owner may have asked for it while the edit kept it back, and been told that there is nothing: so it is told
  // anew, also when the edit came to nothing. Not before it can be had, or it would ask in vain again.
  for (const auto& [id, item] : items_) {
    const auto& valid = written ? item.now : item.before;
    const bool is_new = valid && (!item.before || item.before->send.generation != valid->send.generation);
    if (valid && (is_new || item.edited)) {
      slots_.tell(entry_of(valid->send, valid->place), now_);
    }
  }
  const std::lock_guard lock(counts_mutex_);
  counts_ = state_.counts;
}

SendCounts ScheduleWriter::counts() const {
  const std::lock_guard lock(counts_mutex_);
  return counts_;
}

}  // namespace tern::detail::rocks
