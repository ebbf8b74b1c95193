#pragma once

#include <tern/async/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace tern::direct_line {

/// The tickets that were used, until they expire: a ticket opens one socket.
///
/// Thread safety: all functions from any thread.
class UsedTickets {
 public:
  /// `limit`: the most tickets that are remembered at once, 1 or more. `limit_of_one`: those of one conversation.
  UsedTickets(std::size_t limit, std::size_t limit_of_one) : limit_(limit), limit_of_one_(limit_of_one) {}

  /// What becomes of a ticket.
  enum class Use : std::uint8_t {
    first,  ///< it was not used before, and is used now
    again,  ///< it was used before
    many,   ///< the conversation has used too many
    full    ///< there is no room to remember it, so it cannot be used now
  };
  /// `lifetime`: no ticket is valid for longer.
  Use use(std::string id, const std::string& conversation, SteadyTime now, SteadyTime::duration lifetime);

 private:
  struct Ticket {
    SteadyTime until;
    std::string id;
    std::string conversation;
  };

  const std::size_t limit_;
  const std::size_t limit_of_one_;
  std::mutex mutex_;
  std::unordered_set<std::string> used_;
  std::unordered_map<std::string, std::size_t> of_conversation_;  // how many of `until_`
  std::deque<Ticket> until_;                                      // the earliest first
};

}  // namespace tern::direct_line
