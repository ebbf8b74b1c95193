#pragma once

#include <sys/types.h>

#include <string>

namespace tern::app {

/// The file of standard error, as in `bot 2>>bot.log`. It can be opened anew after another program has renamed it.
///
/// Thread safety: none. Other threads may write to standard error during `reopen`: each line goes to one of the two
/// files.
class LogFile {
 public:
  enum class Outcome {
    reopened,
    no_file,  ///< standard error is no file, but a terminal, a pipe, or the like
    failed    ///< the file cannot be opened; the old one stays in use
  };

  /// Remembers the file that standard error goes to now.
  LogFile();

  /// Opens the file with the remembered name, or creates it; standard error appends to it from now on. If standard
  /// output went to the same file, it goes to the new file too.
  Outcome reopen() const noexcept;
  /// The path of the file; empty when standard error is no file.
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  mode_t mode_ = 0;
};

}  // namespace tern::app
