#include "http/unix_socket_file.hpp"

#include <tern/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
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

[[noreturn]] void refuse_second(const std::string& path) {
  refuse_path(EADDRINUSE, path, ": another program listens there; end it, or choose another path");
}

void remove_stale(const std::string& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    return;  // `bind` says what is wrong with the folder
  }
  if (!S_ISSOCK(found.st_mode)) {
    refuse_path(EEXIST, path, ": there is a file that is no socket; remove it, or choose another path");
  }
  const int error = error_of_connecting(path);
  if (error == 0) {
    refuse_second(path);
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

void check_path(const std::string& path) {
  if (const auto fault = fault_of_unix_path(path); !fault.empty()) {
    refuse_path(EINVAL, path, ": " + fault);
  }
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

UnixSocketFile::Lock::Lock(const std::string& socket) : path_(socket + ".lock") {
  check_path(socket);
  while (!take(socket)) {
  }
}

UnixSocketFile::Lock::~Lock() {
  ::unlink(path_.c_str());  // while the lock is held, so that it is this one's file
  ::close(descriptor_);
}

// False: another one has removed the file meanwhile, and the lock is on one that has no name.
bool UnixSocketFile::Lock::take(const std::string& socket) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor_ < 0) {
    refuse_path(errno, socket,
                ": its lock " + path_ + " cannot be made (" + std::string(std::strerror(errno)) +
                    "); the folder must be there, and the bot's user must be allowed to write to it");
  }
  struct stat locked{};
  struct stat named{};
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 || ::fstat(descriptor_, &locked) != 0) {
    const int error = errno;
    ::close(descriptor_);
    if (error == EWOULDBLOCK) {
      refuse_second(socket);
    }
    refuse_path(error, socket, ": its lock " + path_ + " cannot be taken (" + std::string(std::strerror(error)) + ")");
  }
  if (::lstat(path_.c_str(), &named) == 0 && named.st_dev == locked.st_dev && named.st_ino == locked.st_ino) {
    return true;
  }
  ::close(descriptor_);
  return false;
}

UnixSocketFile::UnixSocketFile(std::string path) : path_(std::move(path)), lock_(path_) {
  remove_stale(path_);
}

void UnixSocketFile::made() noexcept {
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
