#include "log_damage.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

namespace tern::detail::rocks {

namespace {

using rocksdb::WALRecoveryMode;

/// The number of the last write that can be read in that mode; nullopt when nothing can. Changes nothing on the disk.
std::optional<rocksdb::SequenceNumber> last_readable(rocksdb::DBOptions options, const std::string& path,
                                                     const Families& families, WALRecoveryMode mode) {
  options.wal_recovery_mode = mode;
  options.listeners.clear();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &opened).ok()) {
    return std::nullopt;
  }
  const std::unique_ptr<rocksdb::DB> db(opened);
  const auto last = db->GetLatestSequenceNumber();
  for (auto* handle : handles) {
    db->DestroyColumnFamilyHandle(handle);
  }
  return last;
}

// A file system that notes the size of a file before its last blocks are written has zeros in their place after a power
// failure. A write of ours ends with the last eTag, which is no row of zeros.
bool ends_in_zeros(const std::filesystem::path& file) {
  constexpr std::streamoff sector = 512;
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  const std::streamoff size = in.tellg();
  if (size <= 0) {
    return false;
  }
  in.seekg((size - 1) / sector * sector);
  const std::string end{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return !end.empty() && end.find_first_not_of('\0') == std::string::npos;
}

bool has_torn_log(const std::string& path) {
  std::error_code error;
  const std::filesystem::directory_iterator files(path, error);
  return std::any_of(begin(files), end(files), [](const std::filesystem::directory_entry& entry) {
    return entry.path().extension() == ".log" && ends_in_zeros(entry.path());
  });
}

}  // namespace

// RocksDB says "checksum mismatch" of a log and of other files alike, and does not say where. A log it is when the
// folder opens up to the damage. The end it is when there is nothing to read after it: but what comes within 32 KiB is
// skipped with it, so the file must end as a power failure leaves it, too.
bool may_open_without_end(const rocksdb::DBOptions& options, const std::string& path, const Families& families,
                          const rocksdb::Status& damage) {
  const auto before = last_readable(options, path, families, WALRecoveryMode::kPointInTimeRecovery);
  if (!before) {
    return false;
  }
  const auto with_rest = last_readable(options, path, families, WALRecoveryMode::kSkipAnyCorruptedRecords);
  if (with_rest == before && has_torn_log(path)) {
    log::warn("the end of the log was not written whole, as a power failure leaves it; none of it was confirmed",
              {{"storage", "rocksdb"}, {"path", path}});
    return true;
  }
  throw_error(errc::storage_unavailable,
              "The log of the RocksDB storage in " + path +
                  " is damaged before its end, and what was confirmed after that place would be lost. Restore a "
                  "backup; or keep a copy of the folder, and let `tern-storage salvage rocksdb:" +
                  path + "` give up what comes after the damage. (" + damage.ToString() + ")");
}

}  // namespace tern::detail::rocks
