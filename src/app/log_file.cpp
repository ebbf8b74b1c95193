#include "app/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace tern::app {

namespace {

bool same_file(const struct stat& one, const struct stat& other) noexcept {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

LogFile::LogFile() {
  struct stat file{};
  struct stat named{};
  if (::fstat(STDERR_FILENO, &file) != 0 || !S_ISREG(file.st_mode)) {
    return;
  }
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(STDERR_FILENO), error).string();
  // For a file that was deleted or renamed, the link may have a name that is not the file's.
  if (!error && ::stat(path.c_str(), &named) == 0 && same_file(file, named)) {
    path_ = std::move(path);
    mode_ = file.st_mode & 0777U;
  }
}

LogFile::Outcome LogFile::reopen() const noexcept {
  if (path_.empty()) {
    return Outcome::no_file;
  }
  struct stat out{};
  struct stat err{};
  const bool follows = ::fstat(STDOUT_FILENO, &out) == 0 && ::fstat(STDERR_FILENO, &err) == 0 && same_file(out, err);
  const int file = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, mode_);
  if (file < 0) {
    return Outcome::failed;
  }
  const bool done = ::dup2(file, STDERR_FILENO) >= 0 && (!follows || ::dup2(file, STDOUT_FILENO) >= 0);
  ::close(file);
  return done ? Outcome::reopened : Outcome::failed;
}

}  // namespace tern::app
