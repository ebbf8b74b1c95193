#include "committer.hpp"

#include "record.hpp"

#include <tern/error.hpp>

#include <rocksdb/perf_level.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace tern::detail::rocks {

namespace {

/// Throws what RocksDB says of a WriteBatch in memory, which fails for nothing but a lack of it.
void require(const rocksdb::Status& status) {
  if (!status.ok()) {
    throw_error(errc::storage_unavailable, "RocksDB could not take a write into its batch: " + status.ToString());
  }
}

bool as_expected(const Expect& expect, std::uint64_t etag) {
  if (expect.is_any()) {
    return true;
  }
  return expect.is_absent() ? etag == 0 : etag != 0 && etag_number(expect.value()) == etag;
}

}  // namespace

void Committer::collect(WriteLane::Batch batch) {
  rows_.clear();
  for (auto& ticket : batch) {
    const auto& changes = ticket.request.changes;
    for (const auto& upsert : changes.upserts) {
      rows_.push_back({&upsert.key, &upsert.expect, &upsert.document});
    }
    for (const auto& removal : changes.removals) {
      rows_.push_back({&removal.key, &removal.expect, nullptr});
    }
  }
  order_.resize(rows_.size());
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(),
            [this](std::uint32_t a, std::uint32_t b) { return *rows_[a].key < *rows_[b].key; });
  places_.clear();
  for (const auto i : order_) {
    auto& row = rows_[i];
    if (places_.empty() || places_.back().name.text != *row.key) {
      places_.emplace_back(*row.key);
    }
    row.place = static_cast<std::uint32_t>(places_.size() - 1);
    places_.back().expected = places_.back().expected || !row.expect->is_any();
  }
}

void Committer::look_up() {
  std::vector<DocumentCache::Known> asked;
  std::vector<Place*> asking;
  for (auto& place : places_) {
    if (place.expected) {
      asked.push_back({place.name, std::nullopt});
      asking.push_back(&place);
    }
  }
  cache_.look_up(asked);
  std::vector<rocksdb::Slice> keys;
  std::vector<Place*> unknown;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i].etag) {
      asking[i]->etag = *asked[i].etag;
    } else {
      keys.emplace_back(asking[i]->name.text);
      unknown.push_back(asking[i]);
    }
  }
  if (!keys.empty()) {
    look_up_in_database(keys, unknown);
  }
}

void Committer::look_up_in_database(const std::vector<rocksdb::Slice>& keys, const std::vector<Place*>& unknown) {
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  constexpr bool sorted = true;
  database_.db().MultiGet(rocksdb::ReadOptions(), database_.documents(), keys.size(), keys.data(), values.data(),
                          statuses.data(), sorted);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      continue;
    }
    const auto record = statuses[i].ok() ? decode_record(values[i]) : std::nullopt;
    if (record) {
      unknown[i]->etag = record->etag;
    } else {
      unknown[i]->error =
          unavailable(statuses[i].ok() ? rocksdb::Status::Corruption("a document has an unknown format") : statuses[i],
                      database_.path(), "read what a write expects");
    }
  }
}

std::vector<std::string> Committer::conflicts(Rows rows) const {
  std::vector<std::string> keys;
  for (const auto& row : rows) {
    const auto& place = places_[row.place];
    if (row.expect->is_any()) {
      continue;
    }
    if (place.error) {
      std::rethrow_exception(place.error);
    }
    if (!as_expected(*row.expect, place.etag)) {
      keys.push_back(*row.key);
    }
  }
  return keys;
}

StoreReceipt Committer::apply(WriteRequest& write, Rows rows) {
  auto receipt = std::move(write.receipt);
  for (const auto& row : rows) {
    auto& place = places_[row.place];
    place.last = &row;
    place.etag = 0;
    if (row.document != nullptr) {
      place.etag = ++last_etag_;
      receipt.etags.push_back(etag_text(place.etag));
    }
    place.error = nullptr;  // it is overwritten, whatever it was
  }
  return receipt;
}

void Committer::fill_batch() {
  auto* const documents = database_.documents();
  for (const auto& place : places_) {
    if (place.last == nullptr) {
      continue;
    }
    if (place.last->document == nullptr) {
      require(writes_.Delete(documents, rocksdb::Slice(place.name.text)));
      changes_.push_back({place.name, nullptr, 0});
      continue;
    }
    const auto& document = *place.last->document;
    const auto header = record_header(place.etag);
    const rocksdb::Slice key(place.name.text);
    const std::array<rocksdb::Slice, 2> record{rocksdb::Slice(header.data(), header.size()), rocksdb::Slice(document)};
    require(writes_.Put(documents, rocksdb::SliceParts(&key, 1), rocksdb::SliceParts(record.data(), record.size())));
    changes_.push_back({place.name, &document, place.etag});
  }
}

bool Committer::look_up_schedule(WriteLane::Batch batch) {
  std::vector<const StoreChanges*> concerned;
  for (const auto& ticket : batch) {
    if (ScheduleWriter::concerns(ticket.request.changes)) {
      concerned.push_back(&ticket.request.changes);
    }
  }
  if (!concerned.empty()) {
    schedule_.look_up(concerned);
  }
  return !concerned.empty();
}

rocksdb::Status Committer::write(bool has_schedule) {
  database_.keep_recoverable();
  const auto status = database_.db().Write(options_, &writes_);
  cache_.end_write(changes_, status.ok());
  if (has_schedule) {
    schedule_.finish(status.ok());
  }
  if (durability_is_lost(status)) {
    end_process_(describe(status, database_.path(), "write, and what the disk holds is not known"));
  }
  return status;
}

bool Committer::passes(WriteLane::Ticket& ticket, Rows rows) const {
  try {
    if (auto keys = conflicts(rows); !keys.empty()) {
      ticket.succeed(StoreConflict{std::move(keys)});
      return false;
    }
    if (ScheduleWriter::concerns(ticket.request.changes)) {
      if (auto known = schedule_.refused(ticket.request.changes); !known.empty()) {
        ticket.succeed(StoreConflict{{}, std::move(known)});
        return false;
      }
      schedule_.require(ticket.request.changes);
    }
    return true;
  } catch (...) {
    ticket.fail(std::current_exception());
    return false;
  }
}

// An exception of `apply` leaves half a write behind, which nobody can separate from the other writes: so it ends the
// batch.
Committer::Written Committer::judge(WriteLane::Batch batch) {
  Written written;
  written.reserve(batch.size());
  Rows rest(rows_);
  for (auto& ticket : batch) {
    const auto& changes = ticket.request.changes;
    const auto rows = rest.first(changes.upserts.size() + changes.removals.size());
    rest = rest.subspan(rows.size());
    if (!passes(ticket, rows)) {
      continue;
    }
    auto& receipt = written.emplace_back(&ticket, apply(ticket.request, rows)).second;
    if (ScheduleWriter::concerns(changes)) {
      schedule_.apply(changes, receipt);
    }
  }
  return written;
}

void Committer::answer(Written& written, const rocksdb::Status& status) {
  for (auto& [ticket, receipt] : written) {
    if (status.ok()) {
      ticket->succeed(std::move(receipt));
    } else {
      ticket->fail(unavailable(status, database_.path(), "write"));
    }
  }
}

void Committer::serve(WriteLane::Batch batch) {
  // RocksDB counts each comparison of keys in variables of the thread, which takes a tenth of a write, and nobody asks.
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  collect(batch);
  look_up();
  const bool schedules = look_up_schedule(batch);
  changes_.clear();
  writes_.Clear();
  Written written;
  try {
    written = judge(batch);
    fill_batch();
    if (schedules) {
      (void)schedule_.fill(writes_);
    }
    if (writes_.Count() > 0) {
      require(writes_.Put(database_.meta(), last_etag_key, encode_number(last_etag_)));
      cache_.begin_write(changes_);
    }
  } catch (...) {
    if (schedules) {
      schedule_.finish(false);
    }
    throw;
  }
  // A conflict against a write of this same batch is told even when that then fails: it is tried again either way.
  const bool writes = writes_.Count() > 0;
  const auto status = writes ? write(schedules) : rocksdb::Status::OK();
  if (schedules && !writes) {
    schedule_.finish(true);
  }
  if (status.ok()) {
    counters_.writes += written.size();
    counters_.write_batches += writes ? 1 : 0;
  }
  answer(written, status);
}

}  // namespace tern::detail::rocks
