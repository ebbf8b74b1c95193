#pragma once

#include <tern/async/clock.hpp>

#include <chrono>
#include <optional>

namespace tern::runtime {

/// The times of a thread, as the system counts them.
struct ThreadTimes {
  std::chrono::nanoseconds ran{0};                 ///< how long it ran on a processor, in all
  std::optional<std::chrono::nanoseconds> waited;  ///< how long it was ready but had no processor, in all, if known
  bool blocked = false;                            ///< it waits for something else than a processor
};

/// Measures for how long a handler has held its thread. The time in which the handler ran or was blocked counts. The
/// time in which the thread was ready but other threads had the processors does not. Before the first `look` nobody
/// knows which it was. So of that time only the last `unknown` counts for a thread that is blocked.
///
/// Thread safety: none.
class HeldTime {
 public:
  explicit HeldTime(std::chrono::nanoseconds unknown = std::chrono::milliseconds(10)) noexcept : unknown_(unknown) {}
  /// A probe was posted to the thread at `now`; the thread had run for `ran` until then.
  void begin(SteadyTime now, std::chrono::nanoseconds ran) noexcept;
  /// The probe has not run yet. Returns for how long the handler has held the thread at least; the value only grows.
  std::chrono::nanoseconds look(SteadyTime now, const ThreadTimes& times) noexcept;
  /// The probe ran at `now`. Returns for how long the handler held the thread in all.
  std::chrono::nanoseconds end(SteadyTime now) const noexcept;

 private:
  std::chrono::nanoseconds unknown_;
  SteadyTime began_{};
  SteadyTime looked_{};
  std::chrono::nanoseconds ran_{0};
  std::optional<std::chrono::nanoseconds>
      waited_;  // read at the first `look`: reading it at each `begin` costs too much
  bool seen_ = false;
  std::chrono::nanoseconds held_{0};
};

}  // namespace tern::runtime
