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

/// The file of a Unix socket that this process listens on. It is removed with the object, unless another one has taken
/// its place.
class UnixSocketFile {
 public:
  /// The file at this path, which `bind` has made.
  explicit UnixSocketFile(std::string path);
  ~UnixSocketFile();
  UnixSocketFile(const UnixSocketFile&) = delete;
  UnixSocketFile& operator=(const UnixSocketFile&) = delete;

  /// Removes a socket that nobody listens on any more. Call it before `bind`.
  /// Errors: `Error` when something else is at the path, or somebody listens; its text says what to do.
  static void remove_stale(const std::string& path);

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace tern::http
