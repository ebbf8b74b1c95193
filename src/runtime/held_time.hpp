#pragma once

#include <tern/async/clock.hpp>

#include <chrono>
#include <optional>

namespace tern::runtime {

/// What the system says of a thread.
struct ThreadTimes {
  std::chrono::nanoseconds ran{0};                 ///< on a processor, in all
  std::optional<std::chrono::nanoseconds> waited;  ///< ready and without a processor, in all; absent: not known
  bool blocked = false;                            ///< it waits for something else than a processor
};

/// For how long a handler has held its thread: the time in which it ran or was blocked, and not that in which the
/// thread was ready and others had the processors.
///
/// Thread safety: none.
class HeldTime {
 public:
  /// The thread was given something to do at `now`, and had run for `ran` until then.
  void begin(SteadyTime now, std::chrono::nanoseconds ran) noexcept;
  /// It has not come to it yet. For how long the handler has held it, as far as that is certain; grows.
  std::chrono::nanoseconds look(SteadyTime now, const ThreadTimes& times) noexcept;
  /// It came to it at `now`: for how long it was held in all.
  std::chrono::nanoseconds end(SteadyTime now) const noexcept;

 private:
  SteadyTime began_{};
  SteadyTime looked_{};
  std::chrono::nanoseconds ran_{0};
  std::optional<std::chrono::nanoseconds> waited_;  // at the first look: it costs too much while all is well
  bool seen_ = false;
  std::chrono::nanoseconds held_{0};
};

}  // namespace tern::runtime
