#pragma once

#include <tern/error.hpp>

#include <rocksdb/status.h>

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace tern::detail::rocks {

/// Why the store cannot be written, for `/readyz`. Thread safety: any thread.
class Health {
 public:
  void set(std::string obstacle) {
    const std::lock_guard lock(mutex_);
    obstacle_ = std::move(obstacle);
  }
  std::string obstacle() const {
    const std::lock_guard lock(mutex_);
    return obstacle_;
  }

 private:
  mutable std::mutex mutex_;
  std::string obstacle_ = "the storage is not open";
};

/// Ends the process; a test puts something else in its place.
using EndProcess = std::function<void(const std::string& why)>;
EndProcess end_process();

/// The failure of `doing` with the store in `path`, as a text for an operator.
std::string describe(const rocksdb::Status& status, const std::string& path, const std::string& doing);

/// Another process has the folder. It may give it back.
class FolderTaken : public Error {
 public:
  explicit FolderTaken(const std::string& what) : Error(errc::storage_unavailable, what) {}
};

/// The same as `errc::storage_unavailable`; `FolderTaken` where it is that.
std::exception_ptr unavailable(const rocksdb::Status& status, const std::string& path, const std::string& doing);

/// Whether after a failed write nobody knows the content of the disk, so that going on would confirm writes that may
/// be lost.
bool durability_is_lost(const rocksdb::Status& status);

}  // namespace tern::detail::rocks
