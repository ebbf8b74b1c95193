#include "turn/alternation.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

extern "C" {  // the header of glibc 2.36 does not say so itself
#include <sys/pidfd.h>
}

namespace bench {

Load::Load(pid_t pid) : process_(::pidfd_open(pid, 0)) {
  if (process_ < 0) {
    throw std::system_error(errno, std::generic_category(), "pidfd_open");
  }
}

Load::Load(Load&& other) noexcept : process_(std::exchange(other.process_, -1)) {}

Load::~Load() {
  if (process_ >= 0) {
    ::close(process_);
  }
}

void Load::stop() const noexcept {
  ::pidfd_send_signal(process_, SIGSTOP, nullptr, 0);
}

void Load::go_on() const noexcept {
  ::pidfd_send_signal(process_, SIGCONT, nullptr, 0);
}

void alternate(const Load& one, const Load& other, const std::function<bool()>& ended) {
  using namespace std::chrono_literals;
  for (bool is_turn_of_one = true; !ended(); is_turn_of_one = !is_turn_of_one) {
    (is_turn_of_one ? other : one).stop();
    (is_turn_of_one ? one : other).go_on();
    std::this_thread::sleep_for(100ms);
  }
  one.go_on();
  other.go_on();
}

}  // namespace bench
