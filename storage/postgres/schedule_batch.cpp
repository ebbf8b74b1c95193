#include "schedule_batch.hpp"

#include "storage/idempotency_rule.hpp"
#include "storage/storable_text.hpp"

#include <algorithm>
#include <limits>

namespace tern::detail::pg {

namespace {

// A process that does not own a slot leaves to its owner what is due so soon: the owner may be about to send it.
constexpr std::chrono::seconds owners_part{2};

std::uint16_t one_more(std::uint16_t number) noexcept {
  return number == std::numeric_limits<std::int16_t>::max() ? number : static_cast<std::uint16_t>(number + 1);
}

}  // namespace

ScheduleBatch::ScheduleBatch(Session& session, ScheduleState& state, std::int32_t lane, SteadyTime cut_at)
    : session_(session), state_(state), lane_(lane), cut_at_(cut_at), now_(state.clock.wall_now()) {}

ScheduleBatch::~ScheduleBatch() {
  state_.claims.end_edits(edits_);
  if (stored_) {
    tell_of_new();  // it may be committed all the same, when the answer was lost; told in vain it costs one look
  }
  // Their owner here may have asked for one while it was kept back, and been told that there is nothing.
  for (const auto& id : edits_) {
    const auto& item = items_.at(id);
    if (item.before) {
      Item kept;
      kept.slot = item.slot;
      kept.now = item.before;
      state_.claims.tell(entry_of(id, kept), now_);
    }
  }
}

pqxx::result ScheduleBatch::run(const Statement& statement, const Session::Parameters& parameters) {
  return session_.execute(statement, parameters, cut_at_);
}

ScheduleBatch::Item* ScheduleBatch::find(const SendHandle& handle) {
  const auto found = items_.find(handle.id);
  if (found == items_.end() || !found->second.now || found->second.slot != handle.slot) {
    return nullptr;
  }
  return &found->second;
}

void ScheduleBatch::apply(const Part& part) {
  auto& receipt = *part.receipt;
  // By sends of this transaction that took a key before; `look_up` has seen to those of the store.
  if (auto refused = refused_sends(*part.changes); !refused.empty()) {
    throw Refused({{part.changes, std::move(refused)}});
  }
  for (std::size_t i = 0; i < part.changes->outcomes.size(); ++i) {
    const auto& outcome = part.changes->outcomes[i];
    const bool accepted = accept(outcome);
    if (!accepted) {
      receipt.refused.push_back(i);
    }
    if (outcome.kind != SendOutcome::Kind::begin && outcome.handle.slot < slot_count) {
      ends_.emplace_back(&outcome, accepted);
    }
  }
  for (const auto& change : part.changes->edits) {
    auto valid_now = change.handle;
    receipt.edits.push_back(edit(change, valid_now));
    receipt.edit_handles.push_back(valid_now);
  }
  for (const auto& send : part.changes->sends) {
    add(send, *part.changes, receipt);
  }
  for (const auto& kept : part.changes->keys) {
    kept_keys_.insert_or_assign(kept.key, &kept);
  }
  for (const auto& dead : part.changes->dead) {
    kept_dead_.push_back(&dead);
    ++added_.kept_dead;
  }
}

// False when the outcome is stale. That a send went out is a fact and stands whoever reports it; what is to be done
// with one that did not is for the owner of now to say.
bool ScheduleBatch::accept(const SendOutcome& outcome) {
  using Kind = SendOutcome::Kind;
  auto* item = find(outcome.handle);
  if (item == nullptr) {
    return outcome.kind == Kind::sent;
  }
  auto& send = *item->now;
  if (send.generation != outcome.generation) {
    return false;
  }
  if (outcome.kind != Kind::sent) {
    const auto& slot = slots_[outcome.handle.slot];
    if (!slot.owned || slot.epoch != outcome.lease.epoch || outcome.lease.slot != outcome.handle.slot) {
      return false;
    }
  }
  if (outcome.kind == Kind::begin) {
    send.begun = one_more(send.begun);
    return true;
  }
  item->ended = true;
  if (outcome.kind == Kind::retry) {
    send.attempt = outcome.attempt;
    send.not_before = outcome.not_before > send.due ? std::optional(outcome.not_before) : std::nullopt;
    send.begun = outcome.begun;
    return true;
  }
  settle(*item, outcome);
  return true;
}

void ScheduleBatch::settle(Item& item, const SendOutcome& outcome) {
  using Kind = SendOutcome::Kind;
  added_.sent += outcome.kind == Kind::sent ? 1 : 0;
  added_.dead += outcome.kind == Kind::dead ? 1 : 0;
  added_.expired += outcome.kind == Kind::expired ? 1 : 0;
  if (outcome.next) {
    renew(item, *outcome.next);
    return;
  }
  if (outcome.kind == Kind::dead) {
    buried_.emplace_back(outcome.handle.id, stored_reason(outcome.reason));
    ++added_.kept_dead;
  }
  erase(item);
}

bool ScheduleBatch::is_held_here(std::uint16_t slot) const {
  const auto epoch = state_.claims.epoch_of(slot);
  const auto row = slots_.find(slot);
  return epoch && (row == slots_.end() || (row->second.owned && row->second.epoch == *epoch));
}

// The slot stays with its owner, or without one, until this is committed. Whoever fetches the send meanwhile waits for
// that, since its row is locked.
bool ScheduleBatch::may_edit_from_afar(const Item& item) const {
  const auto found = slots_.find(item.slot);
  if (found == slots_.end()) {
    return false;  // it was committed while this was looking, and its slot may change hands
  }
  const auto& slot = found->second;
  return !slot.owned || slot.expired || item.now->not_before.value_or(item.now->due) > now_ + owners_part;
}

bool ScheduleBatch::may_edit(const SendId& id, Item& item) {
  if (item.ended || item.edited || !item.before) {
    return true;  // what came with this transaction nobody can have fetched, and its slot is not locked
  }
  if (!is_held_here(item.slot)) {
    return may_edit_from_afar(item);
  }
  item.edited = state_.claims.begin_edit(item.slot, id);
  if (item.edited) {
    edits_.push_back(id);
  }
  return item.edited;
}

EditOutcome ScheduleBatch::edit(const SendEdit& edit, SendHandle& valid_now) {
  using Kind = SendEdit::Kind;
  if (edit.kind == Kind::reply) {
    cancel_replied(edit.conversation);
    return EditOutcome::done;
  }
  if (edit.kind == Kind::redrive) {
    return redrive(edit, valid_now);
  }
  if (edit.kind == Kind::discard) {
    return discard(edit);
  }
  auto* item = find(edit.handle);
  if (item == nullptr || !may_edit(edit.handle.id, *item)) {
    return EditOutcome::too_late;
  }
  if (edit.kind == Kind::cancel) {
    erase(*item);
    ++added_.cancelled;
    return EditOutcome::done;
  }
  if (item->now->begun > 0) {
    return EditOutcome::too_late;  // it may have been done: moved, it would be done again as if it had never been tried
  }
  renew(*item, edit.new_due);
  valid_now.due = edit.new_due;
  return EditOutcome::done;
}

EditOutcome ScheduleBatch::discard(const SendEdit& edit) {
  const auto found = dead_.find(edit.handle.id);
  if (found == dead_.end() || found->second.gone || found->second.slot != edit.handle.slot) {
    return EditOutcome::too_late;
  }
  found->second.gone = true;
  --added_.kept_dead;
  return EditOutcome::done;
}

EditOutcome ScheduleBatch::redrive(const SendEdit& edit, SendHandle& valid_now) {
  const auto done = discard(edit);
  if (done != EditOutcome::done) {
    return done;
  }
  const auto& dead = dead_.at(edit.handle.id);
  auto& item = items_[edit.handle.id];
  item = Item();
  item.slot = dead.slot;
  item.redriven = true;
  Pending pending;
  pending.due = edit.new_due;
  pending.generation = dead.generation + 1;
  pending.order_hash = dead.order_hash;
  pending.order = dead.order;
  pending.cancel_on_reply = dead.cancel_on_reply;
  ++added_.pending;
  if (!pending.cancel_on_reply.empty()) {
    ++added_.awaiting_reply;
    replied_[pending.cancel_on_reply].push_back(edit.handle.id);
  }
  item.now = std::move(pending);
  valid_now.due = edit.new_due;
  return EditOutcome::done;
}

void ScheduleBatch::cancel_replied(const std::string& conversation) {
  const auto found = replied_.find(conversation);
  if (found == replied_.end()) {
    return;
  }
  for (const auto& id : found->second) {
    auto& item = items_.at(id);
    if (item.now && item.now->cancel_on_reply == conversation && may_edit(id, item)) {
      erase(item);
      ++added_.cancelled;
    }
  }
}

// Sends of this transaction that took a key before count as well, but for those of the same write.
std::vector<KnownSend> ScheduleBatch::refused_sends(const StoreChanges& changes) const {
  std::vector<KnownSend> refused;
  for (std::size_t i = 0; i < changes.sends.size(); ++i) {
    const auto& send = changes.sends[i];
    const auto first = key_to_take(send).empty() ? firsts_.end() : firsts_.find(key_to_take(send));
    if (first != firsts_.end() && is_refused(send.key_is_new, send.digest, first->second.key.digest)) {
      refused.push_back({i, valid_now(first->second)});
    }
  }
  return refused;
}

KnownKey ScheduleBatch::valid_now(const First& first) const {
  auto known = first.key;
  if (const auto item = items_.find(known.handle.id); item != items_.end()) {
    known.handle.due = item->second.now ? item->second.now->due : known.handle.due;
  } else {
    known.handle.due = first.moved_to.value_or(known.handle.due);
  }
  return known;
}

void ScheduleBatch::add(const ScheduledSend& send, const StoreChanges& from, StoreReceipt& receipt) {
  if (key_to_take(send).empty()) {
    add_new(send, from, receipt);
    return;
  }
  const auto [first, is_new] =
      firsts_.try_emplace(send.idempotency_key, First{{send.handle, send.digest}, std::nullopt});
  if (is_new) {
    add_new(send, from, receipt);
    return;
  }
  receipt.handles.push_back(valid_now(first->second).handle);
  receipt.seqs.push_back(0);
}

void ScheduleBatch::add_new(const ScheduledSend& send, const StoreChanges& from, StoreReceipt& receipt) {
  auto& item = items_[send.handle.id];
  if (item.now) {
    throw Misuse(from, "The scheduled send " + send.handle.to_string() +
                           " is pending already. Give every send an id from new_send_id().");
  }
  item = Item();
  item.slot = send.handle.slot;
  item.fresh = &send;
  item.from = &from;
  Pending pending;
  pending.due = send.handle.due;
  pending.generation = send.generation;
  pending.attempt = send.attempt;
  pending.begun = send.begun;
  pending.not_before = send.not_before > send.handle.due ? std::optional(send.not_before) : std::nullopt;
  pending.order_hash = stable_hash(send.order_key);
  pending.order = order_hash_of(send.order_key);
  pending.cancel_on_reply = send.cancel_on_reply;
  ++added_.pending;
  if (!send.cancel_on_reply.empty()) {
    ++added_.awaiting_reply;
    replied_[send.cancel_on_reply].push_back(send.handle.id);
  }
  item.now = std::move(pending);
  seqs_.push_back({&receipt, {receipt.seqs.size(), send.handle.id}});
  receipt.handles.push_back(send.handle);
  receipt.seqs.push_back(0);
}

void ScheduleBatch::erase(Item& item) {
  --added_.pending;
  added_.awaiting_reply -= item.now->cancel_on_reply.empty() ? 0 : 1;
  item.now.reset();
}

// Due at another time, as if it had never been tried. It keeps its number in the order of commit.
void ScheduleBatch::renew(Item& item, WallTime due) {
  auto& send = *item.now;
  send.due = due;
  send.not_before.reset();
  send.attempt = 0;
  send.begun = 0;
  ++send.generation;
}

DueEntry ScheduleBatch::entry_of(const SendId& id, const Item& item) const {
  DueEntry entry;
  entry.due = item.now->not_before.value_or(item.now->due);
  entry.seq = item.now->seq;
  entry.order_hash = item.now->order;
  entry.id = id;
  entry.generation = item.now->generation;
  entry.slot = item.slot;
  entry.attempt = static_cast<std::uint16_t>(item.now->attempt);
  return entry;
}

// By refused outcomes too: the same may be committed already without its answer, or the send was moved by another
// process. Whatever its row says, who holds the slot here sends it no more. But what an owner before this one reports
// and is refused says nothing of what this one is sending.
void ScheduleBatch::end_sendings() {
  for (const auto& [outcome, accepted] : ends_) {
    const auto& [slot, due, id] = outcome->handle;
    if (accepted || (outcome->lease.slot == slot && state_.claims.is_held_by(outcome->lease))) {
      state_.claims.unclaim(slot, id, outcome->generation);
    }
  }
}

void ScheduleBatch::tell_of_new() {
  for (const auto& [id, item] : items_) {
    const bool is_new = item.now && (!item.before || item.before->generation != item.now->generation);
    if (item.now && (is_new || item.edited)) {
      state_.claims.tell(entry_of(id, item), now_);
    }
  }
}

void ScheduleBatch::finish() {
  end_sendings();
  state_.claims.end_edits(edits_);  // before their owner is told, who would ask for them in vain
  auto first_due = WallTime::max();
  for (const auto& [id, item] : items_) {
    if (item.now && item.now->not_before) {
      state_.retries.note(item.slot, id, item.now->generation, item.now->due);
    } else if (item.before) {
      state_.retries.forget(item.slot, id, item.before->generation);
    }
    if (item.now && (!item.before || item.before->due != item.now->due)) {
      first_due = std::min(first_due, item.now->due);
    }
  }
  tell_of_new();
  edits_.clear();
  stored_ = false;
  state_.first_due.enter(first_due);
}

}  // namespace tern::detail::pg
