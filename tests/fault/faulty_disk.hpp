#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace tern::fault {

/// A file system whose disk loses power, has no room, or fails to sync. It knows what was synced: `lose_power` cuts
/// every file to that, or a little beyond, and removes those that the folder's own sync has not confirmed.
class FaultyDisk final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyDisk(std::shared_ptr<rocksdb::FileSystem> below) : FileSystemWrapper(std::move(below)) {}
  const char* Name() const override { return "FaultyDisk"; }

  /// From now on nothing can be written.
  void switch_off() { off_ = true; }
  /// Nothing was lost.
  void switch_on() { off_ = false; }
  /// What was synced is left on the disk, and of the rest what `Rest` says; then it is switched on again.
  enum class Rest {
    lost,    ///< nothing
    torn,    ///< half of it
    zeroed,  ///< all of it in size, with zeros from the next sector on: the size was written before the blocks
  };
  void lose_power(Rest rest = Rest::lost);

  std::atomic<bool> full = false;          ///< no byte more can be written
  std::atomic<bool> sync_fails = false;    ///< every sync of a file fails
  std::atomic<bool> dies_at_sync = false;  ///< it is switched off by the next sync, with all written that comes before
  std::function<void()> before_read;    ///< called before a table is read, on whatever thread; set before it is opened
  std::function<void()> before_unlock;  ///< called when a folder is given back, the last that closing does

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* folder, rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* dbg) override;

 private:
  friend class FaultyFile;
  friend class FaultyFolder;

  struct Known {
    std::uint64_t size = 0;
    std::uint64_t synced = 0;
    bool in_folder = false;  ///< the folder was synced since it was made
  };

  rocksdb::IOStatus obstacle() const;
  void track(const std::string& name, std::uint64_t size, bool in_folder);
  void grown(const std::string& name, std::uint64_t bytes);
  void cut(const std::string& name, std::uint64_t size);
  void synced(const std::string& name);
  void folder_synced(const std::string& folder);

  std::atomic<bool> off_ = false;
  std::mutex mutex_;
  std::map<std::string, Known> files_;
};

}  // namespace tern::fault
