#include "fault/faulty_disk.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace tern::fault {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

/// A table whose reads the disk may hold up.
class SlowFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  SlowFile(FaultyDisk& disk, std::unique_ptr<rocksdb::FSRandomAccessFile> below)
      : FSRandomAccessFileOwnerWrapper(std::move(below)), disk_(disk) {}

  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* dbg) const override {
    disk_.before_read();
    return target()->Read(offset, size, options, result, scratch, dbg);
  }

 private:
  FaultyDisk& disk_;
};

/// A file that tells the disk what was written and synced.
class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(FaultyDisk& disk, std::string name, std::unique_ptr<rocksdb::FSWritableFile> below)
      : FSWritableFileOwnerWrapper(std::move(below)), disk_(disk), name_(std::move(name)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* dbg) override {
    if (auto status = may_write(); !status.ok()) {
      return status;
    }
    return note(data, target()->Append(data, options, dbg));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* dbg) override {
    if (auto status = may_write(); !status.ok()) {
      return status;
    }
    return note(data, target()->Append(data, options, info, dbg));
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* dbg) override {
    auto status = disk_.obstacle();
    status = status.ok() ? target()->Truncate(size, options, dbg) : status;
    if (status.ok()) {
      disk_.cut(name_, size);
    }
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* dbg) override {
    return sync([&] { return target()->Sync(options, dbg); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* dbg) override {
    return sync([&] { return target()->Fsync(options, dbg); });
  }

 private:
  IOStatus may_write() const {
    return disk_.full ? IOStatus::NoSpace("While appending to file: " + name_, "No space left on device")
                      : disk_.obstacle();
  }
  IOStatus note(const Slice& data, IOStatus status) {
    if (status.ok()) {
      disk_.grown(name_, data.size());
    }
    return status;
  }
  template <class Sync>
  IOStatus sync(Sync below) {
    if (disk_.sync_fails) {
      return IOStatus::IOError("While fdatasync: " + name_, "Input/output error");
    }
    if (disk_.dies_at_sync.exchange(false)) {
      disk_.switch_off();
    }
    auto status = disk_.obstacle();
    status = status.ok() ? below() : status;
    if (status.ok()) {
      disk_.synced(name_);
    }
    return status;
  }

  FaultyDisk& disk_;
  std::string name_;
};

/// A folder that tells the disk when its entries were synced.
class FaultyFolder final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyFolder(FaultyDisk& disk, std::string name, std::unique_ptr<rocksdb::FSDirectory> below)
      : FSDirectoryWrapper(std::move(below)), disk_(disk), name_(std::move(name)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* dbg) override {
    return note([&] { return FSDirectoryWrapper::Fsync(options, dbg); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* dbg,
                               const rocksdb::DirFsyncOptions& what) override {
    return note([&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, dbg, what); });
  }

 private:
  template <class Sync>
  IOStatus note(Sync below) {
    auto status = disk_.obstacle();
    status = status.ok() ? below() : status;
    if (status.ok()) {
      disk_.folder_synced(name_);
    }
    return status;
  }

  FaultyDisk& disk_;
  std::string name_;
};

IOStatus FaultyDisk::obstacle() const {
  return off_ ? IOStatus::IOError("the disk has no power") : IOStatus::OK();
}

IOStatus FaultyDisk::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                     std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* dbg) {
  auto status = obstacle();
  status = status.ok() ? target()->NewWritableFile(name, options, file, dbg) : status;
  if (status.ok()) {
    track(name, 0, false);
    *file = std::make_unique<FaultyFile>(*this, name, std::move(*file));
  }
  return status;
}

IOStatus FaultyDisk::ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* dbg) {
  auto status = obstacle();
  status = status.ok() ? target()->ReopenWritableFile(name, options, file, dbg) : status;
  if (status.ok()) {
    std::error_code absent;
    const auto size = std::filesystem::file_size(name, absent);
    track(name, absent ? 0 : size, true);
    *file = std::make_unique<FaultyFile>(*this, name, std::move(*file));
  }
  return status;
}

IOStatus FaultyDisk::NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext* dbg) {
  auto status = FileSystemWrapper::NewRandomAccessFile(name, options, file, dbg);
  if (status.ok() && before_read) {
    *file = std::make_unique<SlowFile>(*this, std::move(*file));
  }
  return status;
}

IOStatus FaultyDisk::NewDirectory(const std::string& name, const IOOptions& options,
                                  std::unique_ptr<rocksdb::FSDirectory>* folder, IODebugContext* dbg) {
  auto status = target()->NewDirectory(name, options, folder, dbg);
  if (status.ok()) {
    *folder = std::make_unique<FaultyFolder>(*this, name, std::move(*folder));
  }
  return status;
}

IOStatus FaultyDisk::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                IODebugContext* dbg) {
  auto status = obstacle();
  status = status.ok() ? target()->RenameFile(from, to, options, dbg) : status;
  if (status.ok()) {
    const std::lock_guard lock(mutex_);
    if (auto moved = files_.extract(from)) {
      moved.key() = to;
      // A file system that journals its metadata keeps the old or the new one; the new one is taken.
      moved.mapped().in_folder = true;
      files_.erase(to);
      files_.insert(std::move(moved));
    }
  }
  return status;
}

IOStatus FaultyDisk::UnlockFile(rocksdb::FileLock* lock, const IOOptions& options, IODebugContext* dbg) {
  if (before_unlock) {
    before_unlock();
  }
  return target()->UnlockFile(lock, options, dbg);
}

IOStatus FaultyDisk::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* dbg) {
  auto status = obstacle();
  status = status.ok() ? target()->DeleteFile(name, options, dbg) : status;
  if (status.ok()) {
    const std::lock_guard lock(mutex_);
    files_.erase(name);
  }
  return status;
}

void FaultyDisk::track(const std::string& name, std::uint64_t size, bool in_folder) {
  const std::lock_guard lock(mutex_);
  files_[name] = Known{size, size, in_folder};
}

void FaultyDisk::grown(const std::string& name, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  files_[name].size += bytes;
}

void FaultyDisk::cut(const std::string& name, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  auto& known = files_[name];
  known.size = size;
  known.synced = std::min(known.synced, size);
}

void FaultyDisk::synced(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& known = files_[name];
  known.synced = known.size;
}

void FaultyDisk::folder_synced(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, known] : files_) {
    if (std::filesystem::path(name).parent_path() == std::filesystem::path(folder)) {
      known.in_folder = true;
    }
  }
}

void FaultyDisk::lose_power(Rest rest) {
  constexpr std::uint64_t sector = 512;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, known] : files_) {
    std::error_code ignored;
    if (!known.in_folder) {
      std::filesystem::remove(name, ignored);
    } else if (known.synced < known.size) {
      const auto unsynced = known.size - known.synced;
      const auto next_sector = (known.synced / sector + 1) * sector;
      const auto left = rest == Rest::lost   ? known.synced
                        : rest == Rest::torn ? known.synced + unsynced / 2
                                             : std::min(next_sector, known.size);
      std::filesystem::resize_file(name, left, ignored);
      if (rest == Rest::zeroed) {
        std::filesystem::resize_file(name, known.size, ignored);
      }
    }
  }
  files_.clear();
  off_ = false;
}

}  // namespace tern::fault
