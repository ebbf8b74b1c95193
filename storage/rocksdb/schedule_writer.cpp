#include "schedule_writer.hpp"

#include "byte_text.hpp"
#include "storage/schedule_write.hpp"

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

/// The batch under way, as the rules of the schedule see it in one of its writes.
class ScheduleWriter::Book {
 public:
  using Pending = Item;
  using Dead = ScheduleWriter::Dead;

  Book(ScheduleWriter& writer, const StoreChanges& changes) : writer_(writer), changes_(changes) {}

  Pending* find(const SendHandle& handle) { return writer_.find(handle); }
  static SendState state_of(const Pending& item) { return ScheduleRules::state_of(item.now->send); }
  bool is_held_by(const SlotLease& lease) const { return writer_.claims_.is_held_by(lease); }

  bool begin_edit(Pending& item) {
    if (!item.ended && !item.edited) {
      const auto& handle = item.now->send.handle;
      item.edited = writer_.claims_.begin_edit(handle.slot, handle.id);
    }
    return item.ended || item.edited;
  }

  void end_sending(Pending& item) {
    const auto& send = item.now->send;
    item.ended = true;
    writer_.ended_.push_back({send.handle.slot, send.handle.id, send.generation});
  }

  // A send that is due anew keeps its number in the order of commit.
  void change(Pending& item, const SendState& state) {
    auto& [send, place] = *item.now;
    if (send.generation != state.generation) {
      place = writer_.bounds_.enter(send.handle.slot, Place{state.due, place.seq}, writer_.now_);
    }
    ScheduleRules::put(state, send);
    item.changed = true;
  }

  static void erase(Pending& item) {
    item.now.reset();
    item.changed = true;
  }

  void bury(const Pending& item, std::string reason) {
    writer_.keep_dead(DeadSend{item.now->send, std::move(reason), writer_.now_});
  }

  template <class Each>
  void for_each_awaiting(const std::string& conversation, const Each& each) {
    for (const auto& id : writer_.replied_[conversation]) {
      auto& item = writer_.items_[id];
      if (item.now && item.now->send.cancel_on_reply == conversation) {
        each(item);
      }
    }
  }

  Dead* find_dead(const SendHandle& handle) {
    const auto found = writer_.dead_.find(handle.id);
    const bool is_kept =
        found != writer_.dead_.end() && !found->second.gone && found->second.dead.send.handle.slot == handle.slot;
    return is_kept ? &found->second : nullptr;
  }
  static SendState state_of(const Dead& dead) { return ScheduleRules::state_of(dead.dead.send); }
  void revive(Dead& dead, const SendState& state) {
    dead.gone = true;
    writer_.insert(dead.dead.send, state);
  }
  static void discard(Dead& dead) { dead.gone = true; }

  std::optional<KnownKey> known_by(const std::string& key) const { return writer_.known_by(key); }
  void take_key(std::size_t place) {
    const auto& send = changes_.sends[place];
    const KnownKey known{send.handle, send.digest};
    writer_.firsts_.emplace(send.idempotency_key, known);
    writer_.new_firsts_.emplace_back(send.idempotency_key, FirstSend{writer_.now_, known});
  }
  std::uint64_t add(std::size_t place, const SendState& state) { return writer_.insert(changes_.sends[place], state); }

  void keep(const KeptKey& kept) {
    writer_.firsts_.insert_or_assign(kept.key, kept.known);
    writer_.new_firsts_.emplace_back(kept.key, FirstSend{kept.came, kept.known});
  }
  void keep(const DeadSend& dead, std::string reason) {
    writer_.keep_dead(DeadSend{dead.send, std::move(reason), dead.died});
  }

  void count(const storage::CountChanges& changes) { changes.add_to(writer_.state_.counts); }

 private:
  ScheduleWriter& writer_;
  const StoreChanges& changes_;
};

ScheduleWriter::Item* ScheduleWriter::find(const SendHandle& handle) {
  const auto found = items_.find(handle.id);
  if (found == items_.end() || !found->second.now || found->second.now->send.handle.slot != handle.slot) {
    return nullptr;
  }
  return &found->second;
}

std::optional<KnownKey> ScheduleWriter::known_by(const std::string& key) const {
  const auto first = firsts_.find(key);
  if (first == firsts_.end()) {
    return std::nullopt;
  }
  const auto item = items_.find(first->second.handle.id);
  const bool is_pending = item != items_.end() && item->second.now;
  return ScheduleRules::valid_now(first->second,
                                  is_pending ? std::optional(item->second.now->send.handle.due) : std::nullopt);
}

std::vector<KnownSend> ScheduleWriter::refused(const StoreChanges& changes) const {
  return storage::refused_sends(changes.sends, [this](const std::string& key) { return known_by(key); });
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
      throw_error(errc::invalid_argument, ScheduleRules::pending_already(send.handle));
    }
  }
}

void ScheduleWriter::apply(const StoreChanges& changes, StoreReceipt& receipt) {
  Book book(*this, changes);
  storage::ScheduleWrite(book).apply(changes, receipt);
}

void ScheduleWriter::keep_dead(DeadSend send) {
  auto& dead = dead_[send.send.handle.id];
  dead.number = ++state_.last_dead;
  dead.dead = std::move(send);
  dead.is_stored = false;
  dead.gone = false;
}

// The number that it gets in the order of commit.
std::uint64_t ScheduleWriter::insert(ScheduledSend send, const SendState& state) {
  ScheduleRules::put(state, send);
  const auto place = bounds_.enter(send.handle.slot, Place{state.due, ++state_.last_seq}, now_);
  send.seq = place.seq;
  auto& item = items_[send.handle.id];
  // A reply that comes later in this batch cancels it as well.
  const auto replied = state.awaits_reply ? replied_.find(send.cancel_on_reply) : replied_.end();
  if (replied != replied_.end()) {
    replied->second.push_back(send.handle.id);
  }
  item.now = Pending{std::move(send), place};
  item.changed = true;
  return place.seq;
}

// Again after the write: a send whose slot has changed hands may have been read between.
void ScheduleWriter::forget_changed() {
  for (const auto& [id, lease] : taken_) {
    if (!claims_.is_held_by(lease)) {
      unkept_.push_back(id);
    }
  }
  fetched_.forget(unkept_);
}

void ScheduleWriter::finish(bool written) {
  forget_changed();
  std::vector<SendId> edited;
  for (const auto& [id, item] : items_) {
    if (item.edited) {
      edited.push_back(id);
    }
  }
  bounds_.end_batch(written);
  if (written) {
    for (const auto& [slot, id, generation] : ended_) {
      claims_.unclaim(slot, id, generation);
    }
  } else {
    state_ = state_before_;
  }
  claims_.end_edits(edited);
  // Its owner may have asked for it while the edit kept it back, and been told that there is nothing: so it is told
  // anew, also when the edit came to nothing. Not before it can be had, or it would ask in vain again.
  for (const auto& [id, item] : items_) {
    const auto& valid = written ? item.now : item.before;
    const auto before = item.before ? std::optional(item.before->send.generation) : std::nullopt;
    if (valid && (item.edited || ScheduleRules::is_news(before, valid->send.generation))) {
      claims_.tell(entry_of(valid->send, valid->place), now_);
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
