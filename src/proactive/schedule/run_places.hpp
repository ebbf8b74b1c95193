#pragma once

#include "proactive/limits/waiting_room.hpp"
#include "proactive/schedule/in_flight.hpp"

#include <tern/async/clock.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace tern::proactive {

/// The places for running continuations. A continuation without a place waits here. Waiting continuations begin in the
/// order in which they came.
///
/// Thread safety: none.
class RunPlaces {
 public:
  /// A continuation that waits in the store comes back after this time at the latest: nobody knows how long others
  /// run.
  static constexpr std::chrono::seconds longest_away{60};

  /// `places`: continuations that run at once; `waiting`: continuations that wait in memory, for `longest_wait` at
  /// most. Lifetime: `flight` outlives it.
  RunPlaces(InFlight& flight, std::size_t places, std::size_t waiting, SteadyTime::duration longest_wait)
      : flight_(flight), places_(places), room_(waiting, longest_wait, longest_away) {}

  /// What holds back a due continuation. nullopt: it has its place and runs, until `ended` or `withdrawn`.
  /// `unrecorded`: outcomes that are not written yet.
  std::optional<Hold> ask(std::size_t unrecorded, SteadyTime now);
  /// The one that waits next, with its place, when there is one.
  std::optional<WaitingSend> take(std::size_t unrecorded);
  /// Takes a place, even if none is free: for a continuation that runs alone.
  void begin() noexcept { flight_.begin_run(); }
  void ended(SteadyTime::duration took) noexcept;
  /// It does not run after all.
  void withdrawn() noexcept { flight_.end_run(); }

  /// The time between the ends of continuations, as it was lately with so many running.
  SteadyTime::duration spacing(std::size_t places) const noexcept;
  WaitingRoom& room() noexcept { return room_; }

 private:
  InFlight& flight_;
  const std::size_t places_;
  WaitingRoom room_;
  SteadyTime::duration usual_run_{};
};

}  // namespace tern::proactive
