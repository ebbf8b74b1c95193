#pragma once

#include <string>

namespace tern {

/// Opens the RocksDB storage in `path` as far as its log can be read, and gives up what was written after a damaged
/// place: `RocksDbStorage::open` refuses such a folder, since that was confirmed. Afterwards it can be opened. Blocks.
/// Errors: as `RocksDbStorage::open`; damage elsewhere than in the log is not mended.
void salvage_rocksdb(const std::string& path);

}  // namespace tern
