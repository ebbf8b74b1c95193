#include "storage/bare.hpp"
#include "storage/workload.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <stdexcept>
#include <vector>

namespace bench {

namespace {

void require(const rocksdb::Status& status) {
  if (!status.ok()) {
    throw std::runtime_error("RocksDB: " + status.ToString());
  }
}

class BareRocksdb final : public Bare {
 public:
  explicit BareRocksdb(const std::string& folder) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    require(rocksdb::DB::Open(options, folder, &db));
    db_.reset(db);
  }

  void fill(std::size_t batch) override {
    for (std::size_t i = 0; i < documents_each; ++i) {
      write(batch, i);
    }
  }

  OpFigures measure(Op op, std::size_t batch, double seconds) override {
    OpClock clock(seconds);
    for (std::size_t i = 0; clock.running(); ++i) {
      const auto begun = std::chrono::steady_clock::now();
      if (op == Op::read) {
        read(batch, i);
      } else {
        write(batch, i);
      }
      clock.add_batch(begun, batch);
    }
    return clock.figures();
  }

 private:
  void write(std::size_t batch, std::size_t number) {
    rocksdb::WriteBatch changes;
    for (std::size_t turn = 0; turn < batch; ++turn) {
      require(changes.Put(document_key(turn, number), document_text(number)));
    }
    rocksdb::WriteOptions synced;
    synced.sync = true;
    require(db_->Write(synced, &changes));
  }

  void read(std::size_t batch, std::size_t number) {
    std::vector<std::string> keys;
    std::vector<rocksdb::Slice> slices;
    keys.reserve(batch);
    for (std::size_t turn = 0; turn < batch; ++turn) {
      slices.emplace_back(keys.emplace_back(document_key(turn, number)));
    }
    std::vector<std::string> values;
    for (const auto& status : db_->MultiGet(rocksdb::ReadOptions(), slices, &values)) {
      require(status);
    }
  }

  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

std::unique_ptr<Bare> make_bare_rocksdb(const std::string& folder) {
  return std::make_unique<BareRocksdb>(folder);
}

}  // namespace bench
