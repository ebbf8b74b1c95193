#pragma once

#include "failure.hpp"

#include <tern/storage/rocksdb_storage.hpp>

#include <rocksdb/env.h>

namespace tern::detail {

/// For tests: a store over another file system, and with something else in place of the process's end.
struct RocksDbAccess {
  static RocksDbStorage make(RocksDbOptions options, Clock& clock, rocksdb::Env* env, rocks::EndProcess end_process);
};

}  // namespace tern::detail
