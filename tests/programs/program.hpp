#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tern::test {

/// What a program that has ended left behind.
struct Ended {
  int status = 0;  ///< its exit status, or 128 and the signal
  std::string out;
  std::string err;
};

/// A program as a user starts it. It dies with this process, and with the object.
///
/// Errors: `std::runtime_error` with all that it has printed, when nothing comes for a minute.
class Program {
 public:
  using Variables = std::vector<std::pair<std::string, std::string>>;

  /// `words[0]`: its path. `variables`: in its environment besides this process's own.
  explicit Program(std::vector<std::string> words, Variables variables = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Where standard error ends now: what comes later lies behind it.
  std::size_t mark();
  /// The first line of standard error with `text` in it, at `from` or behind.
  std::string wait_for(const std::string& text, std::size_t from = 0);
  void signal(int number) const;
  pid_t pid() const noexcept { return pid_; }
  Ended wait();

  /// What reads the program's output goes away, as the `tee` of `bot | tee log` at Ctrl-C.
  void stop_reading();
  /// Waits until standard error takes no more than a short line, for nobody reads it.
  void wait_until_full() const;
  bool has_ended();
  /// Waits for the end without reading what it has to say; its status.
  int wait_unread();

 private:
  /// Reads what comes; false when both streams have ended.
  bool read_some();
  /// Whether there is something to read, or an end to be seen, without waiting.
  bool is_readable() const;
  void take_status(int status);

  std::string name_;
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  Ended ended_;
  bool waited_ = false;
};

/// Runs a program to its end.
inline Ended run_program(std::vector<std::string> words, Program::Variables variables = {}) {
  return Program(std::move(words), std::move(variables)).wait();
}

/// An empty folder that goes with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// state_bot, listening. Its log ends with it.
class Bot {
 public:
  explicit Bot(std::vector<std::string> settings, Program::Variables variables = {});

  unsigned short port() const noexcept { return port_; }
  /// What the bot answers to one message.
  std::string say(const std::string& conversation, const std::string& user);
  /// The status of GET.
  int get(const std::string& path) const;
  /// Asks until the status is this; true within 20 seconds.
  bool becomes(const std::string& path, int status) const;
  /// SIGTERM; what it left behind.
  Ended stop();
  /// SIGKILL.
  void kill();

 private:
  Program program_;
  unsigned short port_;
  int messages_ = 0;
};

}  // namespace tern::test
