#include "schedule_batch.hpp"

#include "storage/schedule_write.hpp"

#include <algorithm>

namespace tern::detail::pg {

namespace {

// A process that does not own a slot leaves to its owner what is due so soon: the owner may be about to send it.
constexpr std::chrono::seconds owners_part{2};

}  // namespace

/// The transaction, as the rules of the schedule see it in one of its writes.
class ScheduleBatch::Book {
 public:
  using Pending = Item;
  using Dead = ScheduleBatch::Dead;

  Book(ScheduleBatch& batch, const Part& part) : batch_(batch), changes_(*part.changes), receipt_(*part.receipt) {}

  Pending* find(const SendHandle& handle) { return batch_.find(handle); }
  static SendState state_of(const Pending& item) { return item.now->state; }
  bool is_held_by(const SlotLease& lease) const {
    const auto slot = batch_.slots_.find(lease.slot);
    return slot != batch_.slots_.end() && slot->second.owned && slot->second.epoch == lease.epoch;
  }
  bool begin_edit(Pending& item) { return batch_.may_edit(item); }
  static void end_sending(Pending& item) { item.ended = true; }
  static void change(Pending& item, const SendState& state) { item.now->state = state; }
  static void erase(Pending& item) { item.now.reset(); }
  void bury(const Pending& item, std::string reason) { batch_.buried_.emplace_back(item.id, std::move(reason)); }

  template <class Each>
  void for_each_awaiting(const std::string& conversation, const Each& each) {
    const auto found = batch_.replied_.find(conversation);
    if (found == batch_.replied_.end()) {
      return;
    }
    for (const auto& id : found->second) {
      auto& item = batch_.items_.at(id);
      if (item.now && item.now->cancel_on_reply == conversation) {
        each(item);
      }
    }
  }

  Dead* find_dead(const SendHandle& handle) {
    const auto found = batch_.dead_.find(handle.id);
    const bool is_kept = found != batch_.dead_.end() && !found->second.gone && found->second.slot == handle.slot;
    return is_kept ? &found->second : nullptr;
  }
  static SendState state_of(const Dead& dead) { return dead.send.state; }
  void revive(Dead& dead, const SendState& state) {
    dead.gone = true;
    Item item;
    item.id = dead.id;
    item.slot = dead.slot;
    item.redriven = true;
    batch_.insert(std::move(item), dead.send).state = state;
  }
  static void discard(Dead& dead) { dead.gone = true; }

  std::optional<KnownKey> known_by(const std::string& key) const { return batch_.known_by(key); }
  void take_key(std::size_t place) {
    const auto& send = changes_.sends[place];
    batch_.firsts_.try_emplace(send.idempotency_key, First{{send.handle, send.digest}, std::nullopt});
  }

  // The server numbers it.
  std::uint64_t add(std::size_t place, const SendState& state) {
    const auto& send = changes_.sends[place];
    const auto found = batch_.items_.find(send.handle.id);
    if (found != batch_.items_.end() && found->second.now) {
      throw Misuse(changes_, ScheduleRules::pending_already(send.handle));
    }
    Item item;
    item.id = send.handle.id;
    item.slot = send.handle.slot;
    item.fresh = &send;
    item.from = &changes_;
    ScheduleBatch::Pending pending;
    pending.state = state;
    pending.order_hash = stable_hash(send.order_key);
    pending.order = order_hash_of(send.order_key);
    pending.cancel_on_reply = send.cancel_on_reply;
    batch_.insert(std::move(item), std::move(pending));
    batch_.seqs_.push_back({&receipt_, {receipt_.seqs.size(), send.handle.id}});
    return 0;
  }

  void keep(const KeptKey& kept) { batch_.kept_keys_.insert_or_assign(kept.key, &kept); }
  void keep(const DeadSend& dead, std::string reason) { batch_.kept_dead_.emplace_back(&dead, std::move(reason)); }
  void count(const storage::CountChanges& changes) { batch_.added_ += changes; }

 private:
  ScheduleBatch& batch_;
  const StoreChanges& changes_;
  StoreReceipt& receipt_;
};

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
      state_.claims.tell(entry_of(item, *item.before), now_);
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
  // By sends of this transaction that took a key before; `look_up` has seen to those of the store.
  if (auto refused = refused_sends(*part.changes); !refused.empty()) {
    throw Refused({{part.changes, std::move(refused)}});
  }
  const auto refused_before = part.receipt->refused.size();
  Book book(*this, part);
  storage::ScheduleWrite(book).apply(*part.changes, *part.receipt);
  note_ends(part, refused_before);
}

void ScheduleBatch::note_ends(const Part& part, std::size_t refused_before) {
  auto refused = part.receipt->refused.begin() + static_cast<std::ptrdiff_t>(refused_before);
  for (std::size_t i = 0; i < part.changes->outcomes.size(); ++i) {
    const auto& outcome = part.changes->outcomes[i];
    const bool is_refused = refused != part.receipt->refused.end() && *refused == i;
    refused += is_refused ? 1 : 0;
    if (outcome.kind != SendOutcome::Kind::begin && outcome.handle.slot < slot_count) {
      ends_.emplace_back(&outcome, !is_refused);
    }
  }
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
  return !slot.owned || slot.expired || item.now->state.effective_due() > now_ + owners_part;
}

bool ScheduleBatch::may_edit(Item& item) {
  if (item.ended || item.edited || !item.before) {
    return true;  // what came with this transaction nobody can have fetched, and its slot is not locked
  }
  if (!is_held_here(item.slot)) {
    return may_edit_from_afar(item);
  }
  item.edited = state_.claims.begin_edit(item.slot, item.id);
  if (item.edited) {
    edits_.push_back(item.id);
  }
  return item.edited;
}

ScheduleBatch::Pending& ScheduleBatch::insert(Item made, Pending pending) {
  auto& item = items_[made.id];
  item = std::move(made);
  item.now = std::move(pending);
  if (!item.now->cancel_on_reply.empty()) {
    replied_[item.now->cancel_on_reply].push_back(item.id);
  }
  return *item.now;
}

// Sends of this transaction that took a key before count as well, but for those of the same write.
std::vector<KnownSend> ScheduleBatch::refused_sends(const StoreChanges& changes) const {
  return storage::refused_sends(changes.sends, [this](const std::string& key) { return known_by(key); });
}

std::optional<KnownKey> ScheduleBatch::known_by(const std::string& key) const {
  const auto first = firsts_.find(key);
  if (first == firsts_.end()) {
    return std::nullopt;
  }
  const auto& [known, moved_to] = first->second;
  const auto item = items_.find(known.handle.id);
  if (item == items_.end()) {
    return ScheduleRules::valid_now(known, moved_to);
  }
  const auto& now = item->second.now;
  return ScheduleRules::valid_now(known, now ? std::optional(now->state.due) : std::nullopt);
}

DueEntry ScheduleBatch::entry_of(const Item& item, const Pending& pending) {
  DueEntry entry;
  entry.due = pending.state.effective_due();
  entry.seq = pending.seq;
  entry.order_hash = pending.order;
  entry.id = item.id;
  entry.generation = pending.state.generation;
  entry.slot = item.slot;
  entry.attempt = ScheduleRules::entry_attempt(pending.state.attempt);
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
    if (item.now && (item.edited || is_news(item))) {
      state_.claims.tell(entry_of(item, *item.now), now_);
    }
  }
}

void ScheduleBatch::finish() {
  end_sendings();
  state_.claims.end_edits(edits_);  // before their owner is told, who would ask for them in vain
  auto first_due = WallTime::max();
  for (const auto& [id, item] : items_) {
    if (item.now && item.now->state.is_retry()) {
      state_.retries.note(item.slot, id, item.now->state.generation, item.now->state.due);
    } else if (item.before) {
      state_.retries.forget(item.slot, id, item.before->state.generation);
    }
    if (item.now && (!item.before || item.before->state.due != item.now->state.due)) {
      first_due = std::min(first_due, item.now->state.due);
    }
  }
  tell_of_new();
  edits_.clear();
  stored_ = false;
  state_.first_due.enter(first_due);
}

}  // namespace tern::detail::pg
