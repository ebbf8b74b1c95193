#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// What a process has used so far, by its own accounting, in seconds.
struct CpuTime {
  double total = 0;
  double system = 0;  ///< the kernel's part of `total`, to a hundredth of a second
};

struct SpawnOptions {
  std::optional<int> core;  ///< the only core it runs on
  std::string output;       ///< the file that takes what it prints; "": this process's own
  std::vector<std::pair<std::string, std::string>> environment;  ///< besides this process's own
};

/// A child process. It is killed when this process dies, or when the object is destroyed while it runs.
class Process {
 public:
  /// Starts `arguments[0]`, looked up in PATH unless it has a slash.
  Process(const std::vector<std::string>& arguments, const SpawnOptions& options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  const std::string& name() const noexcept { return name_; }
  pid_t pid() const noexcept { return pid_; }
  CpuTime cpu() const;
  /// False once it has ended.
  bool running();
  /// Waits for its end; the exit status, or 128 and the signal.
  int wait();
  /// SIGTERM, and the exit status. Errors: `std::runtime_error` when it does not end within 20 s.
  int terminate();

 private:
  std::string name_;
  pid_t pid_;
  std::optional<int> status_;
};

}  // namespace bench
