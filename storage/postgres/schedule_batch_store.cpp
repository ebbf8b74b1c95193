#include "binary_array.hpp"
#include "schedule_batch.hpp"
#include "storage/storable_text.hpp"

#include <algorithm>
#include <initializer_list>

namespace tern::detail::pg {

namespace {

// An owner looks 30 s ahead; its clock may differ from ours.
constexpr std::chrono::seconds two_windows{60};

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

template <class Integer>
pqxx::binarystring scalar(Integer value) {
  std::string bytes;
  append_binary(bytes, value);
  return {bytes.data(), bytes.size()};
}

// What is stored of a kind: the kind itself, and 2 for what may arrive at most once.
std::int32_t kind_of_send(const ScheduledSend& send) noexcept {
  return static_cast<std::int32_t>(send.kind) | (send.at_most_once ? 2 : 0);
}

}  // namespace

void ScheduleBatch::store() {
  store_buried();
  store_gone();
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
      rows.row().slot(item.slot).time(item.before->due).id(id).text(reason);
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
  Rows dead{uuid};
  for (const auto& [id, item] : items_) {
    if (!item.before) {
      continue;
    }
    const bool is_retry = item.before->not_before.has_value();
    if (is_retry && (!item.now || item.now->not_before != item.before->not_before ||
                     item.now->generation != item.before->generation || item.now->attempt != item.before->attempt)) {
      retries.row().slot(item.slot).time(*item.before->not_before).id(id);
    }
    if (item.now) {
      continue;
    }
    sends.row().slot(item.slot).time(item.before->due).id(id);
    if (item.before->generation > 0) {
      moved.row().id(id);
    }
    if (!item.before->cancel_on_reply.empty()) {
      replies.row().number(to_signed(stable_hash(item.before->cancel_on_reply))).id(id);
    }
  }
  for (const auto& [id, entry] : dead_) {
    const auto item = items_.find(id);
    const bool comes_back = item != items_.end() && item->second.redriven && item->second.now;
    if (entry.gone && !comes_back) {
      dead.row().id(id);
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
  run_with(statements().erase_dead, dead);
}

void ScheduleBatch::store_changed() {
  Rows renewed{int4, int8, uuid, int8, int4};
  Rows tried{int4, int8, uuid, int4, int8, int4};
  for (const auto& [id, item] : items_) {
    if (!item.before || !item.now) {
      continue;
    }
    const auto& before = *item.before;
    const auto& now = *item.now;
    if (now.generation != before.generation) {
      renewed.row()
          .slot(item.slot)
          .time(before.due)
          .id(id)
          .time(now.due)
          .number(static_cast<std::int32_t>(now.generation));
    } else if (now.attempt != before.attempt || now.not_before != before.not_before || now.begun != before.begun) {
      tried.row()
          .slot(item.slot)
          .time(before.due)
          .id(id)
          .number(static_cast<std::int32_t>(now.attempt))
          .time(now.not_before)
          .number(static_cast<std::int32_t>(now.begun));
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
  Rows rows{uuid, int8, int4};
  for (const auto& [id, item] : items_) {
    if (item.redriven && item.now) {
      rows.row().id(id).time(item.now->due).number(static_cast<std::int32_t>(item.now->generation));
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
    const auto& now = *item.now;
    const auto& send = *item.fresh;
    rows.row()
        .slot(item.slot)
        .time(now.due)
        .id(id)
        .number(static_cast<std::int32_t>(now.generation))
        .number(static_cast<std::int32_t>(now.attempt))
        .number(static_cast<std::int32_t>(now.begun))
        .time(now.not_before)
        .number(kind_of_send(send))
        .time(send.expires)
        .number(to_signed(now.order_hash))
        .text(send.order_key)
        .text(send.reference)
        .text(send.payload)
        .text(send.idempotency_key)
        .text(send.client_request_id)
        .text(send.cancel_on_reply)
        .text(send.annotations);
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
      throw Misuse(*item.from, "The scheduled send " + item.fresh->handle.to_string() +
                                   " is pending already. Give every send an id from new_send_id().");
    }
  }
}

// What helps to find a send: where it moved to, whose reply cancels it, when it is tried again.
void ScheduleBatch::store_places() {
  Rows moved{uuid, int8};
  Rows replies{int8, int4, int8, uuid};
  Rows retries{int4, int8, int8, int8, uuid, int8, int4, int4};
  for (const auto& [id, item] : items_) {
    if (!item.now) {
      continue;
    }
    const auto& now = *item.now;
    const bool is_new = !item.before;
    if (now.generation > 0 && (is_new || item.before->generation != now.generation)) {
      moved.row().id(id).time(now.due);
    }
    if (is_new && !now.cancel_on_reply.empty()) {
      replies.row().number(to_signed(stable_hash(now.cancel_on_reply))).slot(item.slot).time(now.due).id(id);
    }
    const bool waits_anew =
        now.not_before && (is_new || item.before->not_before != now.not_before || item.before->attempt != now.attempt ||
                           item.before->generation != now.generation);
    if (waits_anew) {
      retries.row()
          .slot(item.slot)
          .time(*now.not_before)
          .number(to_signed(now.seq))
          .time(now.due)
          .id(id)
          .number(to_signed(now.order_hash))
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
  for (const auto* dead : kept_dead_) {
    const auto& send = dead->send;
    rows.row()
        .slot(send.handle.slot)
        .time(send.handle.due)
        .id(send.handle.id)
        .number(static_cast<std::int32_t>(send.generation))
        .number(static_cast<std::int32_t>(send.attempt))
        .number(static_cast<std::int32_t>(send.begun))
        .time(send.not_before > send.handle.due ? std::optional(send.not_before) : std::nullopt)
        .number(kind_of_send(send))
        .time(send.expires)
        .number(to_signed(stable_hash(send.order_key)))
        .text(send.order_key)
        .text(send.reference)
        .text(send.payload)
        .text(send.idempotency_key)
        .text(send.client_request_id)
        .text(send.cancel_on_reply)
        .text(send.annotations)
        .time(dead->died)
        .text(stored_reason(dead->reason));
  }
  if (!rows.empty()) {
    run(statements().keep_dead, rows.parameters());
  }
}

// The owner here is told in memory, once this is committed.
void ScheduleBatch::store_inbox() {
  Rows rows{int4, int8, int8, uuid, int8, int4, int4};
  for (const auto& [id, item] : items_) {
    const bool is_new = item.now && (!item.before || item.before->generation != item.now->generation);
    if (!is_new || is_held_here(item.slot)) {
      continue;
    }
    const auto entry = entry_of(id, item);
    if (entry.due < now_ + two_windows) {
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
    parameters.push_back(scalar(to_signed(number)));
  }
  if (any) {
    run(statements().count, parameters);
  }
}

}  // namespace tern::detail::pg
