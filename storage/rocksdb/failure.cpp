#include "failure.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace tern::detail::rocks {

namespace {

// As sysexits.h calls an error of input or output.
constexpr int exit_io_error = 74;

// RocksDB tells it in the text alone: "While lock file: .../LOCK: Resource temporarily unavailable", or, when this
// process has it, "lock hold by current process".
bool is_locked_here(const rocksdb::Status& status) {
  return status.IsIOError() && status.ToString().find("lock hold") != std::string::npos;
}

bool is_locked(const rocksdb::Status& status) {
  return is_locked_here(status) || (status.IsIOError() && status.ToString().find("lock file") != std::string::npos);
}

}  // namespace

EndProcess end_process() {
  return [](const std::string& why) {
    log::error("the process ends: it cannot keep what it confirms", {{"error", why}});
    constexpr std::chrono::milliseconds patience{200};
    log::flush(patience);
    std::fprintf(stderr, "tern: %s\n", why.c_str());
    std::_Exit(exit_io_error);  // no destructors: they would write
  };
}

std::string describe(const rocksdb::Status& status, const std::string& path, const std::string& doing) {
  const std::string text = "The RocksDB storage in " + path + " could not " + doing + ": ";
  if (is_locked(status)) {
    return text + "another process has this folder. Stop it, or give this one a folder of its own (storage.path).";
  }
  if (status.IsNoSpace()) {
    return text + "the disk is full. Make room; writes then go through again. (" + status.ToString() + ")";
  }
  if (status.IsCorruption()) {
    return text + "it is damaged. Restore a backup. (" + status.ToString() + ")";
  }
  return text + status.ToString() + ". Check the folder, its owner and its disk.";
}

std::exception_ptr unavailable(const rocksdb::Status& status, const std::string& path, const std::string& doing) {
  const auto what = describe(status, path, doing);
  return is_locked(status) && !is_locked_here(status) ? std::make_exception_ptr(FolderTaken(what))
                                                      : std::make_exception_ptr(Error(errc::storage_unavailable, what));
}

// A write that found no room was not confirmed, and RocksDB begins a new log before it goes on. After a failed sync the
// system may have dropped the pages and call the next sync a success. RocksDB tells the two apart in the text alone.
bool durability_is_lost(const rocksdb::Status& status) {
  if (!status.IsIOError()) {
    return false;
  }
  const auto text = status.ToString();
  return !status.IsNoSpace() || text.find("While fdatasync") != std::string::npos ||
         text.find("While fsync") != std::string::npos;
}

}  // namespace tern::detail::rocks
