#pragma once

#include "storage/figures.hpp"
#include "storage/ops.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace bench {

/// A library without Tern, in a loop on one thread: `batch` documents read or written at once, again and again.
class Bare {
 public:
  virtual ~Bare() = default;
  virtual void fill(std::size_t batch) = 0;
  virtual OpFigures measure(Op op, std::size_t batch, double seconds) = 0;
};

/// RocksDB with a WriteBatch and one sync, and with MultiGet.
std::unique_ptr<Bare> make_bare_rocksdb(const std::string& folder);
/// libpqxx with one prepared statement over arrays (`unnest`), each its own transaction.
std::unique_ptr<Bare> make_bare_postgres(const std::string& url);
/// Lets the server write down and look over what a bulk of inserts has left, for three minutes at most; the seconds it
/// took.
double settle_postgres(const std::string& url);
/// Removes what a benchmark has left in the database.
void drop_postgres_schema(const std::string& url, const std::string& schema);

}  // namespace bench
