#include "schedule_writer.hpp"

#include "record.hpp"
#include "storage/idempotency_age.hpp"
#include "storage/idempotency_rule.hpp"

#include <algorithm>
#include <memory>
#include <utility>

// The look-up of the stored records that a batch concerns.

namespace tern::detail::rocks {

void ScheduleWriter::begin_batch() {
  now_ = clock_.wall_now();
  state_before_ = state_;
  items_.clear();
  ended_.clear();
  taken_.clear();
  unkept_.clear();
  dead_.clear();
  firsts_.clear();
  new_firsts_.clear();
  replied_.clear();
}

void ScheduleWriter::look_up(std::span<const StoreChanges* const> writes) {
  begin_batch();
  std::vector<SendId> pending;
  std::vector<SendId> dead;
  std::vector<const std::string*> keys;
  bool brings_more = false;  // from another store
  for (const auto* changes : writes) {
    look_up_outcomes(*changes, pending);
    look_up_edits(*changes, pending, dead);
    for (const auto& send : changes->sends) {
      pending.push_back(send.handle.id);
      if (!key_to_take(send).empty()) {
        keys.push_back(&send.idempotency_key);
      }
    }
    brings_more = brings_more || !changes->keys.empty() || !changes->dead.empty();
  }
  concerned_ = !pending.empty() || !taken_.empty() || !replied_.empty() || brings_more;
  // Each once: RocksDB does not say that a batched look-up may be asked for a key twice.
  std::sort(keys.begin(), keys.end(), [](const auto* a, const auto* b) { return *a < *b; });
  keys.erase(std::unique(keys.begin(), keys.end(), [](const auto* a, const auto* b) { return *a == *b; }), keys.end());
  look_up_first(keys, pending);
  std::sort(pending.begin(), pending.end());
  pending.erase(std::unique(pending.begin(), pending.end()), pending.end());
  fetched_.forget(unkept_);
  look_up_pending(pending);  // also those of which a part stands for the record, and that need the whole
  look_up_dead(dead);
}

// A send that ends for good is removed, which takes no more of its record than is kept. A send is claimed while its
// slot is held under the lease of the outcome, so that nobody else has changed its record since. An outcome that comes
// under another lease is judged by what the disk has.
void ScheduleWriter::look_up_outcomes(const StoreChanges& changes, std::vector<SendId>& pending) {
  using Kind = SendOutcome::Kind;
  for (const auto& outcome : changes.outcomes) {
    const auto& id = outcome.handle.id;
    if (!claims_.is_held_by(outcome.lease)) {
      unkept_.push_back(id);
      pending.push_back(id);
      continue;
    }
    auto part = fetched_.take(id);
    taken_.emplace_back(id, outcome.lease);
    const bool is_removed = !outcome.next && (outcome.kind == Kind::sent || outcome.kind == Kind::expired);
    if (part && is_removed) {
      auto& item = items_[id];
      item.before = std::move(part);
      item.now = item.before;
    } else {
      pending.push_back(id);
    }
  }
}

void ScheduleWriter::look_up_edits(const StoreChanges& changes, std::vector<SendId>& pending,
                                   std::vector<SendId>& dead) {
  for (const auto& edit : changes.edits) {
    if (edit.kind == SendEdit::Kind::reply) {
      auto& ids = replied_[edit.conversation];
      ids = find_replied(edit.conversation);
      pending.insert(pending.end(), ids.begin(), ids.end());
      unkept_.insert(unkept_.end(), ids.begin(), ids.end());
      continue;
    }
    if (edit.kind == SendEdit::Kind::redrive || edit.kind == SendEdit::Kind::discard) {
      dead.push_back(edit.handle.id);
    }
    pending.push_back(edit.handle.id);
    unkept_.push_back(edit.handle.id);
  }
}

void ScheduleWriter::look_up_pending(const std::vector<SendId>& ids) {
  if (ids.empty()) {
    return;
  }
  std::vector<std::string> keys(ids.size());
  std::transform(ids.begin(), ids.end(), keys.begin(), [](const SendId& id) { return std::string(id_key(id)); });
  const auto locations = database_.find_all(database_.schedule().loc, keys);
  const auto unreadable = [this](const rocksdb::Status& status, const char* what) {
    return unavailable(status.ok() ? rocksdb::Status::Corruption(what) : status, database_.path(), "read a send");
  };
  std::vector<std::string> due_keys;
  std::vector<std::pair<Item*, Location>> found;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto& item = items_[ids[i]];
    const auto& status = locations.statuses[i];
    if (status.IsNotFound()) {
      continue;
    }
    const auto location = status.ok() ? decode_location(locations.values[i].ToStringView()) : std::nullopt;
    if (!location) {
      item.error = unreadable(status, "a send's place is unreadable");
      continue;
    }
    due_keys.push_back(due_key(location->slot, location->place));
    found.emplace_back(&item, *location);
  }
  const auto sends = database_.find_all(database_.schedule().due, due_keys);
  for (std::size_t i = 0; i < found.size(); ++i) {
    auto& [item, location] = found[i];
    const auto& status = sends.statuses[i];
    auto send = status.ok() ? decode_send(sends.values[i].ToStringView(), location.place) : std::nullopt;
    if (!send) {
      item->error = unreadable(status, "a send has an unknown format");
      continue;
    }
    item->before = Pending{std::move(*send), location.place};
    item->now = item->before;
  }
}

void ScheduleWriter::look_up_dead(const std::vector<SendId>& ids) {
  for (const auto& id : ids) {
    std::string number;
    std::string bytes;
    auto& db = database_.db();
    auto* const family = database_.schedule().dead;
    if (!db.Get(rocksdb::ReadOptions(), family, dead_id_key(id), &number).ok()) {
      continue;
    }
    const auto found = decode_number(number);
    if (!found || !db.Get(rocksdb::ReadOptions(), family, dead_key(*found), &bytes).ok()) {
      continue;
    }
    if (auto dead = decode_dead(bytes)) {
      dead_[id] = Dead{*found, std::move(*dead), true, false};
    }
  }
}

void ScheduleWriter::look_up_first(const std::vector<const std::string*>& keys, std::vector<SendId>& pending) {
  if (keys.empty()) {
    return;
  }
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const auto* key : keys) {
    names.push_back(*key);
  }
  const auto found = database_.find_all(database_.schedule().idempotency, names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    // An old one is removed by a compaction, which may come much later.
    const auto first = found.statuses[i].ok() ? decode_first(found.values[i].ToStringView()) : std::nullopt;
    if (first && !is_key_forgotten(first->came, now_)) {
      firsts_.emplace(names[i], first->key);
      pending.push_back(first->key.handle.id);
    }
  }
}

std::vector<SendId> ScheduleWriter::find_replied(const std::string& conversation) const {
  const auto hash = stable_hash(conversation);
  const auto end = after_hash(hash);
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = end.empty() ? nullptr : &upper;
  const std::unique_ptr<rocksdb::Iterator> rows(database_.db().NewIterator(options, database_.schedule().reply));
  std::vector<SendId> ids;
  for (rows->Seek(reply_begin(hash)); rows->Valid(); rows->Next()) {
    const auto key = rows->key();
    SendId id{};
    if (key.size() == sizeof hash + id.size()) {
      std::copy_n(key.data() + sizeof hash, id.size(), reinterpret_cast<char*>(id.data()));
      ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace tern::detail::rocks
