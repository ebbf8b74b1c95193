#include "committer.hpp"

#include "record.hpp"

#include <tern/error.hpp>

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
  return expect.is_absent() ? etag == 0 : etag != 0 && expect.value() == etag_text(etag);
}

}  // namespace

void Committer::look_up(WriteLane::Batch batch, Etags& known) {
  std::vector<rocksdb::Slice> keys;
  const auto ask = [&](const std::string& key, const Expect& expect) {
    if (expect.is_any() || known.contains(key)) {
      return;
    }
    const auto etag = cache_.etag(key);
    known.emplace(key, etag.value_or(0));
    if (!etag) {
      keys.emplace_back(key);
    }
  };
  for (const auto& ticket : batch) {
    for (const auto& upsert : ticket.request.upserts) {
      ask(upsert.key, upsert.expect);
    }
    for (const auto& removal : ticket.request.removals) {
      ask(removal.key, removal.expect);
    }
  }
  if (keys.empty()) {
    return;
  }
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  database_.db().MultiGet(rocksdb::ReadOptions(), database_.documents(), keys.size(), keys.data(), values.data(),
                          statuses.data());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      continue;
    }
    const auto record = statuses[i].ok() ? decode_record(values[i]) : std::nullopt;
    if (!record) {
      const auto status =
          statuses[i].ok() ? rocksdb::Status::Corruption("a document has an unknown format") : statuses[i];
      std::rethrow_exception(unavailable(status, database_.path(), "read what a write expects"));
    }
    known.find({keys[i].data(), keys[i].size()})->second = record->etag;
  }
}

std::vector<std::string> Committer::conflicts(const StoreChanges& changes, const Etags& known) const {
  std::vector<std::string> keys;
  const auto judge = [&](const std::string& key, const Expect& expect) {
    if (!expect.is_any() && !as_expected(expect, known.find(key)->second)) {
      keys.push_back(key);
    }
  };
  for (const auto& upsert : changes.upserts) {
    judge(upsert.key, upsert.expect);
  }
  for (const auto& removal : changes.removals) {
    judge(removal.key, removal.expect);
  }
  return keys;
}

StoreReceipt Committer::apply(StoreChanges& changes, Etags& known, rocksdb::WriteBatch& writes) {
  auto* const documents = database_.documents();
  StoreReceipt receipt;
  receipt.etags.reserve(changes.upserts.size());
  for (auto& upsert : changes.upserts) {
    const auto etag = ++last_etag_;
    require(writes.Put(documents, upsert.key, encode_record(etag, upsert.document)));
    if (const auto found = known.find(upsert.key); found != known.end()) {
      found->second = etag;
    }
    receipt.etags.push_back(etag_text(etag));
    changes_.push_back({&upsert.key, std::make_shared<const std::string>(std::move(upsert.document)), etag});
  }
  for (const auto& removal : changes.removals) {
    require(writes.Delete(documents, removal.key));
    if (const auto found = known.find(removal.key); found != known.end()) {
      found->second = 0;
    }
    changes_.push_back({&removal.key, nullptr, 0});
  }
  return receipt;
}

void Committer::serve(WriteLane::Batch batch) {
  Etags known;
  look_up(batch, known);
  changes_.clear();
  rocksdb::WriteBatch writes;
  std::vector<std::pair<WriteLane::Ticket*, StoreReceipt>> written;
  written.reserve(batch.size());
  for (auto& ticket : batch) {
    if (auto keys = conflicts(ticket.request, known); !keys.empty()) {
      ticket.succeed(StoreConflict{std::move(keys)});
      continue;
    }
    written.emplace_back(&ticket, apply(ticket.request, known, writes));
  }
  // A conflict against a write of this same batch is told even when that then fails: it is tried again either way.
  if (writes.Count() == 0) {
    for (auto& [ticket, receipt] : written) {
      ticket->succeed(std::move(receipt));
    }
    return;
  }
  require(writes.Put(database_.meta(), last_etag_key, encode_number(last_etag_)));
  database_.keep_recoverable();
  cache_.begin_write(changes_);
  const auto status = database_.db().Write(options_, &writes);
  cache_.end_write(changes_, status.ok());
  if (durability_is_lost(status)) {
    end_process_(describe(status, database_.path(), "write, and what the disk holds is not known"));
  }
  if (!status.ok()) {
    for (auto& [ticket, receipt] : written) {
      ticket->fail(unavailable(status, database_.path(), "write"));
    }
    return;
  }
  counters_.writes += written.size();
  ++counters_.write_batches;
  for (auto& [ticket, receipt] : written) {
    ticket->succeed(std::move(receipt));
  }
}

}  // namespace tern::detail::rocks
