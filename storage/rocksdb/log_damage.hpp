#pragma once

#include <rocksdb/db.h>

#include <string>
#include <vector>

namespace tern::detail::rocks {

using Families = std::vector<rocksdb::ColumnFamilyDescriptor>;

/// Called when RocksDB has refused to open `path` for `damage`. Whether its logs are whole but for an end that a power
/// failure has left, so that nothing is lost by opening the folder without that end.
/// Errors: `errc::storage_unavailable` when a log is damaged before its end. False when it is something else.
bool may_open_without_end(const rocksdb::DBOptions& options, const std::string& path, const Families& families,
                          const rocksdb::Status& damage);

}  // namespace tern::detail::rocks
