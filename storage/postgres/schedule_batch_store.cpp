#include "binary_array.hpp"
#include "schedule_batch.hpp"

#include <algorithm>
#include <initializer_list>

namespace tern::detail::pg {

namespace {

/// Arrays that grow together; their number of rows is known only in the end.
class Rows {
 public:
  explicit Rows(std::initializer_list<ElementType> types) {
    for (const auto type : types) {
      columns_.push_back({type, {}});
    }
  }

  Rows& row() {
    ++rows_;
    at_ = 0;
    return *this;
  }
  template <class Integer>
  Rows& number(Integer value) {
    auto& bytes = columns_[at_++].bytes;
    append_binary(bytes, static_cast<std::int32_t>(sizeof value));
    append_binary(bytes, value);
    return *this;
  }
  Rows& slot(std::uint16_t value) { return number(static_cast<std::int32_t>(value)); }
  Rows& time(WallTime value) { return number(to_ns(value)); }
  Rows& time(const std::optional<WallTime>& value) { return value ? time(*value) : null(); }
  /// The state of a send without its due time: generation, attempt, begun, and until when a retry waits.
  Rows& state(const storage::SendState& value) {
    return number(static_cast<std::int32_t>(value.generation))
        .number(static_cast<std::int32_t>(value.attempt))
        .number(static_cast<std::int32_t>(value.begun))
        .time(value.is_retry() ? std::optional(value.not_before) : std::nullopt);
  }
  /// The rest of its record, from its kind on.
  Rows& record(const ScheduledSend& send) {
    // The kind itself, and 2 for what may arrive at most once.
    const auto kind = static_cast<std::int32_t>(send.kind) | (send.at_most_once ? 2 : 0);
    return number(kind)
        .time(send.expires)
        .number(to_signed(stable_hash(send.order_key)))
        .text(send.order_key)
        .text(send.reference)
        .text(send.payload)
        .text(send.idempotency_key)
        .text(send.client_request_id)
        .text(send.cancel_on_reply)
        .text(send.annotations);
  }
  Rows& null() {
    append_binary<std::int32_t>(columns_[at_++].bytes, -1);
    return *this;
  }
  Rows& text(std::string_view value) {
    auto& bytes = columns_[at_++].bytes;
    append_binary(bytes, static_cast<std::int32_t>(value.size()));
    bytes.append(value);
    return *this;
  }
  Rows& id(const SendId& value) { return text(bytes_of(value)); }

  bool empty() const noexcept { return rows_ == 0; }
  std::size_t size() const noexcept { return rows_; }
  Session::Parameters parameters() const {
    Session::Parameters all;
    for (const auto& column : columns_) {
      BinaryArray array(column.type, rows_, column.bytes.size());
      array.add_elements(column.bytes);
      all.push_back(array.parameter());
    }
    return all;
  }

 private:
  struct Column {
    ElementType type;
    std::string bytes;
  };
  std::vector<Column> columns_;
  std::size_t rows_ = 0;
  std::size_t at_ = 0;
};

constexpr auto int4 = ElementType::int4;
constexpr auto int8 = ElementType::int8;
constexpr auto uuid = ElementType::uuid;
constexpr auto text = ElementType::text;

// Whether a send waits for its next attempt under the same row of `retry`.
bool waits_alike(const storage::SendState& one, const storage::SendState& other) noexcept {
  return one.not_before == other.not_before && one.generation == other.generation && one.attempt == other.attempt;
}

template <class Integer>
pqxx::binarystring scalar(Integer value) {
  std::string bytes;
  append_binary(bytes, value);
  return {bytes.data(), bytes.size()};
}

}  // namespace

void ScheduleBatch::store() {
  store_buried();
  store_gone();
  store_gone_dead();
  store_changed();
  store_redriven();
  store_new();
  for (const auto& [receipt, place] : seqs_) {
    const auto& item = items_.at(place.second);
    receipt->seqs.at(place.first) = item.now ? item.now->seq : 0;
  }
  store_places();
  store_kept_keys();
  store_kept_dead();
  store_inbox();
  store_counts();
  stored_ = true;
}

void ScheduleBatch::store_buried() {
  Rows rows{int4, int8, uuid, text};
  for (const auto& [id, reason] : buried_) {
    const auto& item = items_.at(id);
    if (item.before) {
      rows.row().slot(item.slot).time(item.before->state.due).id(id).text(reason);
    }
  }
  if (!rows.empty()) {
    auto parameters = rows.parameters();
    parameters.push_back(scalar(to_ns(now_)));
    run(statements().bury, parameters);
  }
}

void ScheduleBatch::store_gone() {
  Rows sends{int4, int8, uuid};
  Rows retries{int4, int8, uuid};
  Rows moved{uuid};
  Rows replies{int8, uuid};
  for (const auto& [id, item] : items_) {
    if (!item.before) {
      continue;
    }
    const auto& before = item.before->state;
    if (before.is_retry() && !(item.now && waits_alike(item.now->state, before))) {
      retries.row().slot(item.slot).time(before.not_before).id(id);
    }
    if (item.now) {
      continue;
    }
    sends.row().slot(item.slot).time(item.before->state.due).id(id);
    if (before.generation > 0) {
      moved.row().id(id);
    }
    if (!item.before->cancel_on_reply.empty()) {
      replies.row().number(to_signed(stable_hash(item.before->cancel_on_reply))).id(id);
    }
  }
  const auto run_with = [this](const Statement& statement, const Rows& rows) {
    if (!rows.empty()) {
      run(statement, rows.parameters());
    }
  };
  run_with(statements().erase, sends);
  run_with(statements().erase_retries, retries);
  run_with(statements().erase_moved, moved);
  run_with(statements().erase_replies, replies);
}

// A dead send that comes back goes with `insert_redriven`.
void ScheduleBatch::store_gone_dead() {
  Rows dead{uuid};
  for (const auto& [id, entry] : dead_) {
    const auto item = items_.find(id);
    const bool comes_back = item != items_.end() && item->second.redriven && item->second.now;
    if (entry.gone && !comes_back) {
      dead.row().id(id);
    }
  }
  if (!dead.empty()) {
    run(statements().erase_dead, dead.parameters());
  }
}

void ScheduleBatch::store_changed() {
  Rows renewed{int4, int8, uuid, int8, int4, int4, int4, int8};
  Rows tried{int4, int8, uuid, int4, int4, int4, int8};
  for (const auto& [id, item] : items_) {
    if (!item.before || !item.now || item.now->state == item.before->state) {
      continue;
    }
    const auto& before = item.before->state;
    const auto& now = item.now->state;
    if (now.generation != before.generation) {
      renewed.row().slot(item.slot).time(before.due).id(id).time(now.due).state(now);
    } else {
      tried.row().slot(item.slot).time(before.due).id(id).state(now);
    }
  }
  if (!renewed.empty()) {
    run(statements().renew, renewed.parameters());
  }
  if (!tried.empty()) {
    run(statements().note_try, tried.parameters());
  }
}

void ScheduleBatch::store_redriven() {
  Rows rows{uuid, int8, int4, int4, int4, int8};
  for (const auto& [id, item] : items_) {
    if (item.redriven && item.now) {
      rows.row().id(id).time(item.now->state.due).state(item.now->state);
    }
  }
  if (rows.empty()) {
    return;
  }
  for (const auto& row : run(statements().insert_redriven, rows.parameters())) {
    items_.at(id_of(row[0])).now->seq = static_cast<std::uint64_t>(number_of(row[1]));
  }
}

void ScheduleBatch::store_new() {
  Rows rows{int4, int8, uuid, int4, int4, int4, int8, int4, int8, int8, text, text, text, text, text, text, text};
  // In the order of commit, which `seq` numbers.
  for (const auto& [receipt, place] : seqs_) {
    const auto& id = place.second;
    const auto& item = items_.at(id);
    if (item.fresh == nullptr || !item.now) {
      continue;
    }
    const auto& state = item.now->state;
    rows.row().slot(item.slot).time(state.due).id(id).state(state).record(*item.fresh);
  }
  if (rows.empty()) {
    return;
  }
  const auto stored = run(statements().insert_sends, rows.parameters());
  for (const auto& row : stored) {
    items_.at(id_of(row[0])).now->seq = static_cast<std::uint64_t>(number_of(row[1]));
  }
  if (stored.size() == static_cast<pqxx::result::size_type>(rows.size())) {
    return;
  }
  for (const auto& [id, item] : items_) {
    if (item.fresh != nullptr && item.now && item.now->seq == 0) {
      throw Misuse(*item.from, ScheduleRules::pending_already(item.fresh->handle));
    }
  }
}

// Rows that help to find a send: where it moved to, whose reply cancels it, when it is tried again.
void ScheduleBatch::store_places() {
  Rows moved{uuid, int8};
  Rows replies{int8, int4, int8, uuid};
  Rows retries{int4, int8, int8, int8, uuid, int8, int4, int4};
  for (const auto& [id, item] : items_) {
    if (!item.now) {
      continue;
    }
    const auto& now = item.now->state;
    if (now.generation > 0 && is_news(item)) {
      moved.row().id(id).time(now.due);
    }
    if (!item.before && now.awaits_reply) {
      replies.row().number(to_signed(stable_hash(item.now->cancel_on_reply))).slot(item.slot).time(now.due).id(id);
    }
    if (now.is_retry() && !(item.before && waits_alike(item.before->state, now))) {
      retries.row()
          .slot(item.slot)
          .time(now.not_before)
          .number(to_signed(item.now->seq))
          .time(now.due)
          .id(id)
          .number(to_signed(item.now->order_hash))
          .number(static_cast<std::int32_t>(now.generation))
          .number(static_cast<std::int32_t>(now.attempt));
    }
  }
  if (!moved.empty()) {
    run(statements().note_moved, moved.parameters());
  }
  if (!replies.empty()) {
    run(statements().add_replies, replies.parameters());
  }
  if (!retries.empty()) {
    run(statements().add_retries, retries.parameters());
  }
}

void ScheduleBatch::store_kept_keys() {
  Rows rows{ElementType::bytea, int4, int8, uuid, int8, uuid};
  for (const auto& [key, kept] : kept_keys_) {
    const auto& [handle, digest] = kept->known;
    rows.row().text(key).slot(handle.slot).time(handle.due).id(handle.id).time(kept->came);
    if (digest == SendDigest{}) {
      rows.null();
    } else {
      rows.id(digest);
    }
  }
  if (!rows.empty()) {
    run(statements().keep_keys, rows.parameters());
  }
}

void ScheduleBatch::store_kept_dead() {
  Rows rows{int4, int8, uuid, int4, int4, int4, int8, int4, int8, int8,
            text, text, text, text, text, text, text, int8, text};
  for (const auto& [dead, reason] : kept_dead_) {
    const auto state = ScheduleRules::state_of(dead->send);
    rows.row()
        .slot(dead->send.handle.slot)
        .time(state.due)
        .id(dead->send.handle.id)
        .state(state)
        .record(dead->send)
        .time(dead->died)
        .text(reason);
  }
  if (!rows.empty()) {
    run(statements().keep_dead, rows.parameters());
  }
}

// The owner here is told in memory, once this is committed.
void ScheduleBatch::store_inbox() {
  Rows rows{int4, int8, int8, uuid, int8, int4, int4};
  for (const auto& [id, item] : items_) {
    if (!item.now || !is_news(item) || is_held_here(item.slot)) {
      continue;
    }
    const auto entry = entry_of(item, *item.now);
    if (entry.due < now_ + storage::two_windows) {
      rows.row()
          .slot(entry.slot)
          .time(entry.due)
          .number(to_signed(entry.seq))
          .id(entry.id)
          .number(to_signed(item.now->order_hash))
          .number(static_cast<std::int32_t>(entry.generation))
          .number(static_cast<std::int32_t>(entry.attempt));
    }
  }
  if (!rows.empty()) {
    run(statements().tell, rows.parameters());
  }
}

void ScheduleBatch::store_counts() {
  Session::Parameters parameters{scalar(lane_)};
  bool any = false;
  for (const auto number : {added_.pending, added_.sent, added_.cancelled, added_.expired, added_.dead,
                            added_.awaiting_reply, added_.kept_dead}) {
    any = any || number != 0;
    parameters.push_back(scalar(number));
  }
  if (any) {
    run(statements().count, parameters);
  }
}

}  // namespace tern::detail::pg
