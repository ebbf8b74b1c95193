#pragma once

#include <sys/types.h>

#include <functional>

namespace bench {

/// A load that another thread puts on a server.
class Load {
 public:
  /// `pid`: of the process that makes the load. It has not been waited for yet.
  /// Errors: `std::system_error`.
  explicit Load(pid_t pid);
  ~Load();
  Load(Load&& other) noexcept;
  Load& operator=(Load&&) = delete;

  ///@{
  /// Nothing happens when the process has ended.
  void stop() const noexcept;
  void go_on() const noexcept;
  ///@}

 private:
  int process_;  // a descriptor: a process that takes over the number later is none of ours
};

/// Lets two loads go on in turns of a tenth of a second, until `ended`. So a server has the machine for itself, and
/// what disturbs the machine for longer hits both alike.
void alternate(const Load& one, const Load& other, const std::function<bool()>& ended);

}  // namespace bench
