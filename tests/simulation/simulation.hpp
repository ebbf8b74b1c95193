#pragma once

#include <tern/async/clock.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tern::simulation {

/// What a run of the simulation showed.
struct Findings {
  std::vector<std::string> broken;  ///< promises that were not kept; empty is well
  std::size_t confirmed = 0;        ///< sends that the store confirmed
  std::size_t delivered = 0;        ///< different ones that arrived
  std::size_t duplicates = 0;
  std::size_t dead = 0;
  std::size_t expired = 0;
  std::size_t cancelled = 0;
  std::size_t process_faults = 0;
  WallTime::duration latest{};  ///< by how much a message, which is no continuation, was late at most
};

/// Two or three processes of the real scheduler and keeper of slots on a simulated store, clock and channel, on one
/// thread, for a minute of simulated time in which they crash, stall, stop and start, the clock is stepped, answers are
/// lost and disks are slow; then without faults until everything has been sent. The same seed is the same run.
///
/// Promises that are watched all the time: never early, never after a confirmed cancellation, never by a process that
/// does not own the slot, never two of a conversation at once in one process. In the end: whatever was confirmed and
/// not cancelled has arrived, or, when it was to arrive at most once or had begun in three processes that ended, is
/// among the dead; that never arrived twice, and nothing else did unless something befell it that excuses it; nothing
/// is pending.
Findings simulate(std::uint64_t seed);

/// The same where nothing goes wrong but that users have blocked the bot, up to four in five, and that continuations
/// take long and have few places. `latest` says whether the others are held back by that.
Findings simulate_users_alone(std::uint64_t seed);

}  // namespace tern::simulation
