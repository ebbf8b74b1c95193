#pragma once

#include "proactive/limits/waiting_room.hpp"
#include "proactive/schedule/solo_gate.hpp"

#include <tern/async/clock.hpp>
#include <tern/storage/schedule_types.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tern::proactive {

/// Sends that are found begun: a process died during them. A continuation may have ended that process, so it is a
/// suspect: it runs again alone, and is dead after it has ended three processes. A send that may arrive at most once
/// is dead at once. A message is never blamed for a death.
///
/// Thread safety: none, but the gate is shared by all schedulers of a process.
class Suspects {
 public:
  /// This many deaths are no coincidence.
  static constexpr std::uint16_t most_deaths = 3;

  /// At most `waiting` suspects wait here, for `longest_wait` at most.
  /// Lifetime: the gate outlives it.
  Suspects(SoloGate& gate, std::size_t waiting, SteadyTime::duration longest_wait);

  static bool is_one(const ScheduledSend& send) noexcept {
    return send.kind == SendKind::continuation && send.begun > 0;
  }
  /// Why a send must not be tried again; nullopt when it may be.
  static std::optional<std::string> verdict_on(const ScheduledSend& send);

  /// Where a suspect waits until it may run. `usual_run`: how long a continuation runs.
  Hold hold(SteadyTime now, SteadyTime::duration usual_run);
  /// The suspect that runs now, until `ended`; nullopt when none waits, or one runs in this process.
  std::optional<WaitingSend> begin();
  void ended() { gate_.leave(); }

  WaitingRoom& room() noexcept { return room_; }

 private:
  SoloGate& gate_;
  WaitingRoom room_;
};

}  // namespace tern::proactive
