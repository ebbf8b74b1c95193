#pragma once

#include <sys/types.h>

#include <string>

namespace tern::app {

/// The file that standard error goes to, as in `bot 2>>bot.log`, to be opened anew when something else has renamed it.
///
/// Thread safety: none. Writing to standard error meanwhile, from any thread, is safe: a line goes to the one file or
/// to the other.
class LogFile {
 public:
  enum class Outcome {
    reopened,
    no_file,  ///< standard error is a terminal, a pipe, or the like: there is nothing to open
    failed    ///< the file cannot be opened; the old one is kept
  };

  /// Remembers where standard error goes now.
  LogFile();

  /// Opens the file of that name, which is made when it is not there, and appends to it from now on. Standard output
  /// follows where it went to the same file.
  Outcome reopen() const noexcept;
  /// Empty when standard error is no file.
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  mode_t mode_ = 0;
};

}  // namespace tern::app
