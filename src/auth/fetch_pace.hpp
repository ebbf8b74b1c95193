#pragma once

#include <tern/async/clock.hpp>

namespace tern::auth {

/// One fetch at a time, and a pause after each that failed: what all schedules of fetches have in common.
///
/// Thread safety: none.
class FetchPace {
 public:
  /// The pause after the first fetch that failed doubles with each that follows, up to the longest. Both are positive.
  FetchPace(SteadyTime::duration first_pause, SteadyTime::duration longest_pause) noexcept
      : first_pause_(first_pause), longest_pause_(longest_pause) {}

  /// Whether a fetch is under way.
  bool under_way() const noexcept { return under_way_; }
  /// Whether the last fetch has failed, and its pause lasts.
  bool pauses(SteadyTime now) const noexcept { return failures_ > 0 && now < next_try_; }
  /// Whether a fetch may begin: none is under way, and there is no pause.
  bool may_begin(SteadyTime now) const noexcept { return !under_way_ && !pauses(now); }
  /// Whether the last fetch that has ended has failed.
  bool last_failed() const noexcept { return failures_ > 0; }

  /// A fetch begins. Preconditions: it may.
  void begin() noexcept { under_way_ = true; }
  ///@{
  /// How the fetch has ended. `left_out`: which part of the pause is left out, in [0, 1). `at_least`: the shortest
  /// pause from now on, whatever the others.
  void succeeded() noexcept;
  void failed(SteadyTime now, double left_out = 0, SteadyTime::duration at_least = {}) noexcept;
  ///@}

 private:
  SteadyTime::duration first_pause_;
  SteadyTime::duration longest_pause_;
  bool under_way_ = false;
  unsigned failures_ = 0;  // since the last fetch that has not failed
  SteadyTime next_try_;    // after `failures_`
};

}  // namespace tern::auth
