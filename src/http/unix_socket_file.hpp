#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace tern::http {

/// The path in an address such as `unix:/run/tern.sock`; nullopt when the address is none of a Unix socket.
std::optional<std::string_view> unix_path(std::string_view address) noexcept;

/// Why a server cannot listen at a path; "" when it can. The text says what to do.
std::string fault_of_unix_path(std::string_view path);

/// The file of a Unix socket that this process listens on, and the right to make it: a lock on another file, whose name
/// has `.lock` behind it. Of several that begin at the same moment one gets the lock, and the kernel takes it back from
/// a process that ends in any way. Both files are removed with the object, the socket unless another one has taken its
/// place.
class UnixSocketFile {
 public:
  /// Takes the lock, and removes a socket that nobody listens on any more. Call `bind` next.
  /// Errors: `Error` when something else is at the path, or somebody listens, or is about to; its text says what to do.
  explicit UnixSocketFile(std::string path);
  ~UnixSocketFile();
  UnixSocketFile(const UnixSocketFile&) = delete;
  UnixSocketFile& operator=(const UnixSocketFile&) = delete;

  /// `bind` has made the file.
  void made() noexcept;

 private:
  /// The lock on a file that goes with it.
  class Lock {
   public:
    explicit Lock(const std::string& socket);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    bool take(const std::string& socket);

    std::string path_;
    int descriptor_ = -1;
  };

  std::string path_;
  Lock lock_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace tern::http
