#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace bench {

/// A channel on a thread of its own that takes everything. The text of each message is when it was due, in microseconds
/// since the epoch, so that it sees how late each comes, and its recipient is `user-NUMBER`, so that it sees which.
///
/// Thread safety: `count` from any thread; `arrivals` once the senders rest.
class Channel {
 public:
  struct Arrival {
    std::int64_t at_us = 0;    ///< since the epoch
    std::int64_t late_us = 0;  ///< negative: early
    std::int64_t number = 0;   ///< which of those that were scheduled
  };

  Channel();
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  std::string url() const;
  std::size_t count() const noexcept { return count_.load(std::memory_order_acquire); }
  /// Those from the `from`-th on. At most 2,000,000 are kept.
  std::vector<Arrival> arrivals(std::size_t from) const;
  /// How many different ones there are, of those from the `from`-th on.
  std::size_t distinct(std::size_t from) const;
  /// Waits until there are so many. Errors: `std::runtime_error` after `patience`.
  void wait_for(std::size_t count, std::chrono::seconds patience) const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
  std::vector<Arrival> arrivals_;
  std::atomic<std::size_t> count_{0};
  std::thread thread_;
};

/// Now, in microseconds since the epoch.
std::int64_t now_us();

}  // namespace bench
