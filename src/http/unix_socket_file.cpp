#include "http/unix_socket_file.hpp"

#include <tern/error.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tern::http {

namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;

[[noreturn]] void refuse_path(int error, const std::string& path, const std::string& why) {
  throw Error(error_code(error, boost::system::system_category()), "cannot listen on unix:" + path + why);
}

// 0: somebody listens. Otherwise the error of connecting.
int error_of_connecting(const std::string& path) noexcept {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) {
    return errno;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int error = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  ::close(probe);
  return error == EAGAIN ? 0 : error;  // its backlog is full
}

}  // namespace

std::optional<std::string_view> unix_path(std::string_view address) noexcept {
  return address.starts_with(unix_prefix) ? std::optional(address.substr(unix_prefix.size())) : std::nullopt;
}

std::string fault_of_unix_path(std::string_view path) {
  if (!path.starts_with('/')) {
    return "the path of a Unix socket begins with /, as in unix:/run/tern/bot.sock";
  }
  if (path.size() > longest_path) {
    return "the path of a Unix socket has at most " + std::to_string(longest_path) + " bytes: choose a shorter one";
  }
  return path.find('\0') == std::string_view::npos ? "" : "the path of a Unix socket has no zero byte";
}

void UnixSocketFile::remove_stale(const std::string& path) {
  if (const auto fault = fault_of_unix_path(path); !fault.empty()) {
    refuse_path(EINVAL, path, ": " + fault);
  }
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    return;  // `bind` says what is wrong with the folder
  }
  if (!S_ISSOCK(found.st_mode)) {
    refuse_path(EEXIST, path, ": there is a file that is no socket; remove it, or choose another path");
  }
  const int error = error_of_connecting(path);
  if (error == 0) {
    refuse_path(EADDRINUSE, path, ": another program listens there; end it, or choose another path");
  }
  if (error != ECONNREFUSED) {
    refuse_path(error, path,
                ": whether another program listens there is not known (" + std::string(std::strerror(error)) +
                    "); remove the file if none does");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    refuse_path(
        errno, path,
        ": a socket that nobody listens on cannot be removed (" + std::string(std::strerror(errno)) + "); remove it");
  }
}

UnixSocketFile::UnixSocketFile(std::string path) : path_(std::move(path)) {
  struct stat found{};
  if (::lstat(path_.c_str(), &found) == 0) {
    device_ = found.st_dev;
    inode_ = found.st_ino;
  }
}

UnixSocketFile::~UnixSocketFile() {
  struct stat found{};
  if (::lstat(path_.c_str(), &found) == 0 && S_ISSOCK(found.st_mode) && found.st_dev == device_ &&
      found.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

}  // namespace tern::http
