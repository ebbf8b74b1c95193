#pragma once

#include "async/keyed_hash.hpp"
#include "auth/wait_place.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tern::direct_line {

/// The messages that wait to be offered to an overloaded bot once more. Those of a conversation stand in a line, in the
/// order in which they came, and what comes meanwhile waits behind them: else it would overtake them. Nothing waits
/// while the bot takes what it is offered.
///
/// A bot that is overloaded says so at once. So an offer that it has not refused for `longest_refusal` counts as taken,
/// though its turn goes on.
///
/// Lifetime: the clock outlives it, and it outlives the places.
/// Thread safety: all functions from any thread.
class OfferLine {
 public:
  static constexpr std::chrono::milliseconds longest_refusal{500};
  static constexpr std::size_t max_waiting = 8;            ///< messages of one conversation
  static constexpr std::chrono::seconds longest_wait{10};  ///< of a message, all its pauses included

  explicit OfferLine(Clock& clock) : clock_(clock) {}

  /// The place of a message, from its arrival until the bot has taken it.
  ///
  /// Thread safety: none; used on one executor.
  class Place {
   public:
    Place(OfferLine& all, std::string conversation);
    /// Leaves the line.
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    /// Waits until the messages before it were taken or given up. The message is offered then.
    /// Cancellation: terminal cancellation throws `operation_aborted`.
    /// Errors: `Refusal` with 429 when too many wait, or for too long.
    awaitable<void> next();
    /// The bot has refused the offer, and the message waits for the next one. False when too many wait.
    bool refused();
    /// The bot has taken the message, or the message is given up.
    void leave();

   private:
    friend class OfferLine;
    struct Member;

    OfferLine& all_;
    const std::string conversation_;
    const Deadline by_;
    std::shared_ptr<Member> member_;
  };

 private:
  using Line = std::vector<std::shared_ptr<Place::Member>>;

  // Under the mutex.
  static void wake(const Line& line);
  bool enter(Line& line, const std::shared_ptr<Place::Member>& member);
  std::optional<Deadline> look(const std::string& conversation, Place::Member& member);
  void remove(const std::string& conversation, Place::Member& member);

  Clock& clock_;
  std::mutex mutex_;  // guards all below, and the members
  std::uint64_t came_ = 0;
  std::unordered_map<std::string, Line, tern::detail::KeyedHash, std::equal_to<>> lines_;
};

}  // namespace tern::direct_line
