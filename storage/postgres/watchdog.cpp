#include "watchdog.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace tern::detail::pg {

Watchdog::Guard::Guard(Watchdog& watchdog, int socket, SteadyTime at) : watchdog_(watchdog) {
  const std::lock_guard lock(watchdog_.mutex_);
  auto& watched = watchdog_.watched_;
  if (watchdog_.spare_.empty()) {
    watched.emplace_front();
  } else {
    watched.splice(watched.begin(), watchdog_.spare_, watchdog_.spare_.begin());
  }
  watched_ = watched.begin();
  *watched_ = Watched{socket, std::min(at, watchdog_.limit_)};
  // Deadlines mostly move on, so that the thread is rarely woken: it sees a later one when it wakes for an earlier.
  if (watched_->at < watchdog_.wakes_at_) {
    watchdog_.changed_.notify_one();
  }
}

Watchdog::Guard::~Guard() {
  const std::lock_guard lock(watchdog_.mutex_);
  watchdog_.spare_.splice(watchdog_.spare_.begin(), watchdog_.watched_, watched_);
}

bool Watchdog::Guard::has_cut() const {
  const std::lock_guard lock(watchdog_.mutex_);
  return watched_->cut;
}

Watchdog::Watchdog() : thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::limit(SteadyTime at) {
  const std::lock_guard lock(mutex_);
  limit_ = std::min(limit_, at);
  for (auto& watched : watched_) {
    watched.at = std::min(watched.at, limit_);
  }
  changed_.notify_one();
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const auto now = std::chrono::steady_clock::now();
    wakes_at_ = SteadyTime::max();
    for (auto& watched : watched_) {
      if (watched.cut) {
        continue;
      }
      if (watched.at <= now) {
        watched.cut = true;
        ::shutdown(watched.socket, SHUT_RDWR);
      } else {
        wakes_at_ = std::min(wakes_at_, watched.at);
      }
    }
    if (wakes_at_ == SteadyTime::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, wakes_at_);
    }
  }
}

}  // namespace tern::detail::pg
