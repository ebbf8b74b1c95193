#pragma once

#include <tern/async/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>

namespace tern::direct_line {

/// The tickets that were used, until they expire: a ticket opens one socket.
///
/// Thread safety: all functions from any thread.
class UsedTickets {
 public:
  /// `limit`: the most tickets that are remembered at once, 1 or more.
  explicit UsedTickets(std::size_t limit) : limit_(limit) {}

  /// What becomes of a ticket.
  enum class Use : std::uint8_t {
    first,  ///< it was not used before, and is used now
    again,  ///< it was used before
    full    ///< there is no room to remember it, so it cannot be used now
  };
  /// `lifetime`: no ticket is valid for longer.
  Use use(std::string id, SteadyTime now, SteadyTime::duration lifetime);

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::unordered_set<std::string> used_;
  std::deque<std::pair<SteadyTime, std::string>> until_;  // the earliest first
};

}  // namespace tern::direct_line
