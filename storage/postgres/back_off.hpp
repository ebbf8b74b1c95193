#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace tern::detail::pg {

/// The pauses between attempts to connect: doubled with each failure, with jitter, so that replicas do not come back at
/// once.
///
/// Thread safety: none.
class BackOff {
 public:
  explicit BackOff(std::chrono::milliseconds longest) : longest_(longest) {}

  std::chrono::milliseconds next() {
    const auto most = pause_;
    pause_ = std::min(2 * pause_, longest_);
    return most / 2 + std::chrono::milliseconds(random_() % static_cast<unsigned>(most.count() / 2 + 1));
  }

 private:
  std::chrono::milliseconds longest_;
  std::chrono::milliseconds pause_{20};
  std::minstd_rand random_{std::random_device()()};
};

}  // namespace tern::detail::pg
