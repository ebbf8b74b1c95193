#pragma once

#include "failure.hpp"

#include <tern/storage/rocksdb_storage.hpp>

#include <rocksdb/env.h>

namespace tern::detail {

/// For tests: a store over another file system, which calls a function of the test instead of ending the process.
struct RocksDbAccess {
  static RocksDbStorage make(RocksDbOptions options, Clock& clock, rocksdb::Env* env, rocks::EndProcess end_process);
};

}  // namespace tern::detail
