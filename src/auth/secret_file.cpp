#include "auth/secret_file.hpp"

#include <tern/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string_view>
#include <system_error>

namespace tern::auth {

namespace {

constexpr std::size_t max_file = std::size_t{64} * 1024;

struct Closed {
  void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
};

[[noreturn]] void throw_unreadable(const std::string& key, const std::string& file, const std::string& why) {
  const bool looks_like_a_name = file.starts_with('/') || file.starts_with("./") || file.starts_with("../");
  throw_error(errc::invalid_argument, "The file of " + key + (looks_like_a_name ? ", " + file + "," : std::string()) +
                                          " " + why + ". Give the name of a file that the bot may read.");
}

std::string reason_of(int error) {
  return "cannot be read: " + std::generic_category().message(error);
}

// Without waiting: to open a pipe for reading waits for somebody who writes, and holds the start or the stop of a bot.
std::unique_ptr<std::FILE, Closed> open_file(const std::string& key, const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  std::unique_ptr<std::FILE, Closed> opened(descriptor >= 0 ? ::fdopen(descriptor, "rb") : nullptr);
  if (!opened) {
    throw_unreadable(key, file, reason_of(errno));
  }
  struct stat found{};
  if (::fstat(descriptor, &found) != 0 || !S_ISREG(found.st_mode)) {
    throw_unreadable(key, file, "is no regular file");
  }
  return opened;
}

}  // namespace

std::string read_secret_file(const std::string& key, const std::string& file) {
  const std::unique_ptr<std::FILE, Closed> opened = open_file(key, file);
  std::string content(max_file + 1, '\0');
  errno = 0;
  content.resize(std::fread(content.data(), 1, content.size(), opened.get()));
  if (std::ferror(opened.get()) != 0) {
    throw_unreadable(key, file, reason_of(errno));  // such as a folder
  }
  if (content.size() > max_file) {
    throw_unreadable(key, file, "has more than 64 KiB");
  }
  return content;
}

std::string read_secret_line(const std::string& key, const std::string& file) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::string content = read_secret_file(key, file);
  const auto begin = content.find_first_not_of(blanks);
  if (begin == std::string::npos) {
    throw_unreadable(key, file, "is empty");
  }
  return content.substr(begin, content.find_last_not_of(blanks) + 1 - begin);
}

}  // namespace tern::auth
