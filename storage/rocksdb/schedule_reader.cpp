#include "schedule_reader.hpp"

#include "range.hpp"
#include "record.hpp"
#include "storage/estimate_over_slots.hpp"
#include "storage/idempotency_age.hpp"
#include "storage/validate.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

namespace tern::detail::rocks {

void ScheduleReader::fail(const rocksdb::Status& status) const {
  std::rethrow_exception(unavailable(status, database_.path(), "read the schedule"));
}

ScheduleReader::Row ScheduleReader::decode(rocksdb::Slice bytes, const Place& place) const {
  auto send = decode_send(view(bytes), place);
  if (!send) {
    fail_unknown();
  }
  return {std::move(*send), place};
}

void ScheduleReader::fail_unknown() const {
  fail(rocksdb::Status::Corruption("a send has an unknown format"));
}

std::optional<ScheduleReader::Row> ScheduleReader::row_at(std::uint16_t slot, const Place& place) const {
  std::string bytes;
  const auto status =
      database_.db().Get(rocksdb::ReadOptions(), database_.schedule().due, due_key(slot, place), &bytes);
  if (status.IsNotFound()) {
    return std::nullopt;
  }
  if (!status.ok()) {
    fail(status);
  }
  return decode(bytes, place);
}

std::optional<ScheduleReader::Row> ScheduleReader::row_of(const SendId& id, std::uint16_t slot) {
  std::string bytes;
  const rocksdb::Slice key(id_key(id).data(), id.size());
  const auto status = database_.db().Get(rocksdb::ReadOptions(), database_.schedule().loc, key, &bytes);
  if (status.IsNotFound()) {
    return std::nullopt;
  }
  const auto location = status.ok() ? decode_location(bytes) : std::nullopt;
  if (!location) {
    fail(status.ok() ? rocksdb::Status::Corruption("a send's place is unreadable") : status);
  }
  return location->slot == slot ? row_at(slot, location->place) : std::nullopt;
}

// An entry that waits for no retry names the place of its record, which spares a look for it.
std::vector<std::optional<ScheduleReader::Row>> ScheduleReader::rows_of(const std::vector<DueEntry>& entries) {
  std::vector<std::string> keys;
  keys.reserve(entries.size());
  for (const auto& entry : entries) {
    keys.push_back(due_key(entry.slot, Place{entry.due, entry.seq}));
  }
  const auto found = database_.find_all(database_.schedule().due, keys);
  std::vector<std::optional<Row>> rows(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (found.statuses[i].ok()) {
      rows[i] = decode(found.values[i], Place{entries[i].due, entries[i].seq});
    } else if (!found.statuses[i].IsNotFound()) {
      fail(found.statuses[i]);
    }
    if (!rows[i] || rows[i]->send.handle.id != entries[i].id) {
      rows[i] = row_of(entries[i].id, entries[i].slot);
    }
  }
  return rows;
}

std::vector<ScheduledSend> ScheduleReader::fetch(const std::vector<DueEntry>& entries) {
  const auto begun = fetched_.begin();
  // Claimed before they are read: what is cancelled from here on is told that it is too late.
  const auto ours = claims_.claim(entries);
  std::vector<DueEntry> claimed;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (ours[i]) {
      claimed.push_back(entries[i]);
    }
  }
  std::vector<std::optional<Row>> rows;
  std::vector<ScheduledSend> sends;
  std::exception_ptr error;
  try {
    sends.reserve(claimed.size());
    rows = rows_of(claimed);
  } catch (...) {
    error = std::current_exception();
  }
  std::vector<StoredSend> parts;
  parts.reserve(claimed.size());
  for (std::size_t i = 0; i < claimed.size(); ++i) {
    auto* const row = i < rows.size() && rows[i] ? &*rows[i] : nullptr;
    if (row != nullptr && storage::ScheduleRules::is_current(claimed[i], row->send.generation, row->send.attempt)) {
      parts.push_back(FetchedSends::part_of(*row));
      sends.push_back(std::move(row->send));
    } else {
      claims_.unclaim(claimed[i].slot, claimed[i].id, claimed[i].generation);
    }
  }
  if (error) {
    std::rethrow_exception(error);
  }
  fetched_.keep(begun, std::move(parts));
  return sends;
}

SendPage ScheduleReader::find(const std::string& idempotency_key) {
  std::string bytes;
  const auto status =
      database_.db().Get(rocksdb::ReadOptions(), database_.schedule().idempotency, idempotency_key, &bytes);
  if (!status.ok() && !status.IsNotFound()) {
    fail(status);
  }
  SendPage page;
  const auto first = status.ok() ? decode_first(bytes) : std::nullopt;
  if (!first || is_key_forgotten(first->came, clock_.wall_now())) {
    return page;
  }
  page.known = first->key;
  if (auto row = row_of(first->key.handle.id, first->key.handle.slot)) {
    page.known = storage::ScheduleRules::valid_now(*page.known, row->send.handle.due);
    page.sends.push_back(std::move(row->send));
  }
  return page;
}

SendPage ScheduleReader::list(const SendQuery& query) {
  if (query.idempotency_key) {
    return find(*query.idempotency_key);
  }
  Place after{WallTime::min(), 0};
  if (!query.after.empty()) {
    const auto place = SendPlace::parse(query.after);
    after = {place.due, place.seq};
  }
  if (query.handle) {
    SendPage page;
    auto row = query.handle->slot < slot_count ? row_of(query.handle->id, query.handle->slot) : std::nullopt;
    if (row && row->place > after && (!query.order_key || row->send.order_key == *query.order_key)) {
      page.sends.push_back(std::move(row->send));
    }
    return page;
  }
  return query.order_key ? list_one_conversation(query, after) : list_all(query, after);
}

SendPage ScheduleReader::list_one_conversation(const SendQuery& query, const Place& after) {
  const auto hash = stable_hash(*query.order_key);
  Range range(database_.db(), database_.schedule().order, order_key_of(hash, after), after_hash(hash));
  auto& rows = range.rows();
  SendPage page;
  Place last;
  for (; rows.Valid(); rows.Next()) {
    const auto place = decode_place(view(rows.key()).substr(sizeof hash));
    if (!place || *place <= after) {
      continue;
    }
    auto row = row_at(static_cast<std::uint16_t>(hash % slot_count), *place);
    if (!row || row->send.order_key != *query.order_key) {
      continue;  // another key with the same hash
    }
    if (page.sends.size() == query.limit) {
      page.next = SendPlace{last.due, last.seq}.to_string();
      break;
    }
    last = *place;
    page.sends.push_back(std::move(row->send));
  }
  if (!rows.status().ok()) {
    fail(rows.status());
  }
  return page;
}

// Merges the slots; a listing of everything is rare.
SendPage ScheduleReader::list_all(const SendQuery& query, const Place& after) {
  struct Head {
    Place place;
    Range* range;
    bool operator>(const Head& other) const noexcept { return place > other.place; }
  };
  std::vector<std::unique_ptr<Range>> ranges(slot_count);
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  const auto offer = [&](Range* range) {
    for (auto& rows = range->rows(); rows.Valid(); rows.Next()) {
      const auto place = place_of_due_key(view(rows.key()));
      if (place && *place > after) {
        heads.push({*place, range});
        return;
      }
    }
    if (!range->rows().status().ok()) {
      fail(range->rows().status());
    }
  };
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    const auto begin = due_key(slot, std::max(after, bounds_.low(slot)));
    ranges[slot] = std::make_unique<Range>(database_.db(), database_.schedule().due, begin, due_begin(slot + 1));
    offer(ranges[slot].get());
  }
  SendPage page;
  Place last;
  while (!heads.empty() && page.sends.size() < query.limit) {
    const auto [place, range] = heads.top();
    heads.pop();
    page.sends.push_back(decode(range->rows().value(), place).send);
    last = place;
    range->rows().Next();
    offer(range);
  }
  if (!heads.empty()) {
    page.next = SendPlace{last.due, last.seq}.to_string();
  }
  return page;
}

DeadPage ScheduleReader::list_dead(const DeadQuery& query) {
  const auto after = place_of_page(query.after);
  Range range(database_.db(), database_.schedule().dead, dead_key(after), "o");
  auto& rows = range.rows();
  DeadPage page;
  std::uint64_t last = 0;
  for (; rows.Valid(); rows.Next()) {
    const auto number = number_of_dead_key(view(rows.key()));
    if (!number || *number <= after) {
      continue;
    }
    auto dead = decode_dead(view(rows.value()));
    if (!dead) {
      fail(rocksdb::Status::Corruption("a dead send has an unknown format"));
    }
    if (query.order_key && dead->send.order_key != *query.order_key) {
      continue;
    }
    if (page.sends.size() == query.limit) {
      page.next = std::to_string(last);
      break;
    }
    last = *number;
    page.sends.push_back(std::move(*dead));
  }
  if (!rows.status().ok()) {
    fail(rows.status());
  }
  return page;
}

KeyPage ScheduleReader::list_keys(const KeyQuery& query) {
  Range range(database_.db(), database_.schedule().idempotency, query.after, "");
  auto& rows = range.rows();
  const auto now = clock_.wall_now();
  KeyPage page;
  for (; rows.Valid(); rows.Next()) {
    const auto first = decode_first(view(rows.value()));
    if (!first) {
      fail(rocksdb::Status::Corruption("an idempotency key has an unknown format"));
    }
    if (view(rows.key()) == query.after || is_key_forgotten(first->came, now)) {
      continue;
    }
    if (page.keys.size() == query.limit) {
      page.next = page.keys.back().key;
      break;
    }
    page.keys.push_back({std::string(view(rows.key())), first->key, first->came});
  }
  if (!rows.status().ok()) {
    fail(rows.status());
  }
  return page;
}

std::optional<WallTime> ScheduleReader::oldest() {
  std::optional<WallTime> oldest;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    Range range(database_.db(), database_.schedule().due, due_key(slot, bounds_.low(slot)), due_begin(slot + 1));
    auto& rows = range.rows();
    const auto place = rows.Valid() ? place_of_due_key(view(rows.key())) : std::nullopt;
    if (!rows.status().ok()) {
      fail(rows.status());
    }
    if (place) {
      oldest = std::min(oldest.value_or(WallTime::max()), place->due);
    }
  }
  return oldest;
}

std::uint64_t ScheduleReader::estimate_due(WallTime from, WallTime until) {
  return estimate_over_slots(from, until, [&](std::uint16_t first, std::uint16_t end) {
    std::uint64_t count = 0;
    for (auto slot = first; slot < end; ++slot) {
      count += count_due(slot, from, until);
    }
    return count;
  });
}

std::uint64_t ScheduleReader::count_due(std::uint16_t slot, WallTime from, WallTime until) {
  const auto begin = std::max(due_key(slot, Place{std::chrono::ceil<std::chrono::microseconds>(from), 0}),
                              due_key(slot, bounds_.low(slot)));
  Range range(database_.db(), database_.schedule().due, begin,
              due_key(slot, Place{std::chrono::ceil<std::chrono::microseconds>(until), 0}));
  auto& rows = range.rows();
  std::uint64_t count = 0;
  for (; rows.Valid() && count < most_counted_in_slot; rows.Next()) {
    ++count;
  }
  if (!rows.status().ok()) {
    fail(rows.status());
  }
  return count;
}

}  // namespace tern::detail::rocks
