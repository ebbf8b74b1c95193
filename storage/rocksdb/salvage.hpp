#pragma once

#include <string>

namespace tern {

/// Opens the RocksDB storage in `path` up to the damaged place of its log, and gives up the writes after that place.
/// Those writes were confirmed, so `RocksDbStorage::open` refuses such a folder; after this call it can be opened.
/// Blocks. Errors: as `RocksDbStorage::open`; damage outside of the log is not repaired.
void salvage_rocksdb(const std::string& path);

}  // namespace tern
