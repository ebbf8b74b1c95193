#include "reader.hpp"

#include "record.hpp"

#include <tern/error.hpp>

#include <algorithm>

namespace tern::detail::rocks {

namespace {

std::vector<rocksdb::Slice> slices(const std::vector<std::string>& keys) {
  return {keys.begin(), keys.end()};
}

StoreItem item_of(const Database& database, std::string key, const rocksdb::Slice& bytes) {
  const auto record = decode_record(bytes);
  if (!record) {
    std::rethrow_exception(unavailable(rocksdb::Status::Corruption("the document " + key + " has an unknown format"),
                                       database.path(), "be read"));
  }
  return {std::move(key), std::string(record->document), etag_text(record->etag)};
}

/// The first key after all those that begin with `prefix`; "" when there is none.
std::string end_of(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') {
    prefix.pop_back();
  }
  if (!prefix.empty()) {
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  }
  return prefix;
}

}  // namespace

// The MultiGet over vectors: the batched one of RocksDB 7.8 reads blocks whatever the tier.
std::optional<StoreItems> read_from_memory(Database& database, const std::vector<std::string>& keys) {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kBlockCacheTier;
  auto& db = database.db();
  StoreItems items;
  const auto take = [&](const std::string& key, const rocksdb::Status& status, const rocksdb::Slice& value) {
    if (status.ok()) {
      items.add(item_of(database, key, value));
    } else if (!status.IsNotFound() && !status.IsIncomplete()) {
      std::rethrow_exception(unavailable(status, database.path(), "be read"));
    }
    return !status.IsIncomplete();
  };
  if (keys.size() == 1) {
    rocksdb::PinnableSlice value;
    const auto status = db.Get(options, database.documents(), keys[0], &value);
    return take(keys[0], status, value) ? std::optional(std::move(items)) : std::nullopt;
  }
  std::vector<std::string> values;
  const std::vector<rocksdb::ColumnFamilyHandle*> families(keys.size(), database.documents());
  const auto statuses = db.MultiGet(options, families, slices(keys), &values);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!take(keys[i], statuses[i], values[i])) {
      return std::nullopt;
    }
  }
  return items;
}

void Reader::serve(ReadLane::Batch batch) {
  std::vector<ReadLane::Ticket*> reads;
  for (auto& ticket : batch) {
    if (!ticket.request.scan) {
      reads.push_back(&ticket);
    }
  }
  read(reads);  // first: a scan may take long
  for (auto& ticket : batch) {
    if (!ticket.request.scan) {
      continue;
    }
    try {
      ReadAnswer answer;
      answer.page = scan(*ticket.request.scan);
      ticket.succeed(std::move(answer));
    } catch (...) {
      ticket.fail(std::current_exception());
    }
  }
}

// One look-up for all keys, so that RocksDB reads the blocks of one file together.
void Reader::read(const std::vector<ReadLane::Ticket*>& tickets) {
  std::vector<rocksdb::Slice> keys;
  for (const auto* ticket : tickets) {
    keys.insert(keys.end(), ticket->request.keys.begin(), ticket->request.keys.end());
  }
  if (keys.empty()) {
    return;
  }
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  database_.db().MultiGet(rocksdb::ReadOptions(), database_.documents(), keys.size(), keys.data(), values.data(),
                          statuses.data());
  std::size_t next = 0;
  for (auto* ticket : tickets) {
    const auto first = next;
    next += ticket->request.keys.size();
    try {
      ReadAnswer answer;
      for (auto i = first; i < next; ++i) {
        if (statuses[i].ok()) {
          answer.items.add(item_of(database_, ticket->request.keys[i - first], values[i]));
        } else if (!statuses[i].IsNotFound()) {
          std::rethrow_exception(unavailable(statuses[i], database_.path(), "be read"));
        }
      }
      ticket->succeed(std::move(answer));
    } catch (...) {
      ticket->fail(std::current_exception());
    }
  }
}

StorePage Reader::scan(const StoreScan& query) {
  const auto end = end_of(query.prefix);
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = end.empty() ? nullptr : &upper;
  options.fill_cache = false;  // a scan passes by, and would push out what turns read again
  const std::unique_ptr<rocksdb::Iterator> rows(database_.db().NewIterator(options, database_.documents()));
  StorePage page;
  rows->Seek(std::max(query.prefix, query.after));
  if (rows->Valid() && !query.after.empty() && rows->key() == query.after) {
    rows->Next();
  }
  for (; rows->Valid() && rows->key().starts_with(query.prefix); rows->Next()) {
    if (page.items.size() == query.limit) {
      page.next = page.items.back().key;
      break;
    }
    page.items.push_back(item_of(database_, rows->key().ToString(), rows->value()));
  }
  if (!rows->status().ok()) {
    std::rethrow_exception(unavailable(rows->status(), database_.path(), "be read"));
  }
  return page;
}

}  // namespace tern::detail::rocks
