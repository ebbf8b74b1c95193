#include "record.hpp"
#include "schedule_writer.hpp"

// The changes of a batch to the sends, as writes of RocksDB.

namespace tern::detail::rocks {

namespace {

constexpr std::uint64_t most_dead = 100'000;
constexpr std::size_t most_forgotten = 64;  // dead sends, with one batch

}  // namespace

void ScheduleWriter::remove_before(const SendId& id, const Item& item) {
  const auto& family = database_.schedule();
  const auto& [send, place] = *item.before;
  const bool stays = item.now && item.now->place == place;
  if (!stays) {
    writes_.remove(family.due, due_key(send.handle.slot, place));
    writes_.remove(family.order, order_key_of(stable_hash(send.order_key), place));
  }
  if (is_retry(send, place)) {
    writes_.remove(family.retry, retry_key(send.handle.slot, send.not_before, place.seq));
  }
  if (!item.now) {
    writes_.remove(family.loc, id_key(id));
    if (!send.cancel_on_reply.empty()) {
      writes_.remove(family.reply, reply_key(stable_hash(send.cancel_on_reply), id));
    }
  }
}

void ScheduleWriter::fill_item(const SendId& id, const Item& item) {
  if (item.before) {
    remove_before(id, item);
  }
  if (!item.now) {
    return;
  }
  const auto& family = database_.schedule();
  const auto& [send, place] = *item.now;
  writes_.put(family.due, due_key(send.handle.slot, place), encode_send(send));
  writes_.put(family.loc, id_key(id), encode_location({send.handle.slot, place, send.generation}));
  if (!item.before || item.before->place != place) {
    writes_.put(family.order, order_key_of(stable_hash(send.order_key), place));
  }
  if (is_retry(send, place)) {
    writes_.put(family.retry, retry_key(send.handle.slot, send.not_before, place.seq), encode_place(place));
  }
  if (!item.before && !send.cancel_on_reply.empty()) {
    writes_.put(family.reply, reply_key(stable_hash(send.cancel_on_reply), id));
  }
}

void ScheduleWriter::fill_dead() {
  const auto& family = database_.schedule();
  for (const auto& [id, dead] : dead_) {
    if (dead.gone && dead.is_stored) {
      writes_.remove(family.dead, dead_key(dead.number));
      writes_.remove(family.dead, dead_id_key(id));
    } else if (!dead.gone && !dead.is_stored) {
      writes_.put(family.dead, dead_key(dead.number), encode_dead(dead.dead));
      writes_.put(family.dead, dead_id_key(id), encode_number(dead.number));
    }
  }
  if (state_.counts.kept_dead > most_dead) {
    forget_oldest_dead();
  }
}

void ScheduleWriter::forget_oldest_dead() {
  const auto& family = database_.schedule();
  const std::unique_ptr<rocksdb::Iterator> rows(database_.db().NewIterator(rocksdb::ReadOptions(), family.dead));
  std::size_t forgotten = 0;
  for (rows->Seek(dead_key(state_.first_dead));
       rows->Valid() && state_.counts.kept_dead > most_dead && forgotten < most_forgotten; rows->Next()) {
    const auto number = number_of_dead_key({rows->key().data(), rows->key().size()});
    const auto dead = decode_dead({rows->value().data(), rows->value().size()});
    if (!number || !dead || dead_.contains(dead->send.handle.id)) {
      continue;
    }
    writes_.remove(family.dead, {rows->key().data(), rows->key().size()});
    writes_.remove(family.dead, dead_id_key(dead->send.handle.id));
    state_.first_dead = *number + 1;
    --state_.counts.kept_dead;
    ++forgotten;
  }
}

bool ScheduleWriter::fill(rocksdb::WriteBatch& batch) {
  if (!concerned_) {
    return false;
  }
  writes_.clear();
  const auto& family = database_.schedule();
  for (const auto& [id, item] : items_) {
    if (item.changed) {
      fill_item(id, item);
    }
  }
  for (const auto& [key, first] : new_firsts_) {
    writes_.put(family.idempotency, key, encode_first(first));
  }
  fill_dead();
  if (writes_.empty() && batch.Count() == 0) {
    return false;
  }
  writes_.put(database_.meta(), schedule_state_key, state_.encode());
  for (const auto& [slot, place] : bounds_.take_moved()) {
    writes_.put(database_.meta(), low_key(slot), encode_place(place));
  }
  writes_.move_to(batch);
  return true;
}

}  // namespace tern::detail::rocks
