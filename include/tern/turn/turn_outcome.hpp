#pragma once

#include <cstdint>

namespace tern {

/// What became of an activity.
enum class TurnOutcome : std::uint8_t {
  done,           ///< its turn has ended as it should
  goes_on,        ///< its turn takes longer than `turn.ack_after`, and goes on
  failed,         ///< its turn failed; nothing that it changed was kept
  timed_out,      ///< its turn was cut at `turn.deadline` or `turn.longest`
  overloaded,     ///< there is no place for its turn, which was not begun
  shutting_down,  ///< the bot shuts down: its turn was not begun, or was cut
  forgotten       ///< it came before, and the answer of then is not kept any more
};

}  // namespace tern
