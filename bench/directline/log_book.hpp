#pragma once

#include "directline/figures.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <vector>

namespace bench {

/// Which messages were sent in a measurement, and when their clients have seen them. Their numbers go on from one
/// measurement to the next.
class LogBook {
 public:
  using Clock = std::chrono::steady_clock;

  /// `servers`: at how many clients follow, 1 or 2.
  explicit LogBook(std::size_t servers) : servers_(servers) {}

  /// A measurement of `count` messages, one after each `pause`.
  void begin(Clock::time_point start, Clock::duration pause, std::size_t count);
  std::size_t first() const noexcept { return first_; }
  Clock::time_point due(std::size_t number) const { return messages_[number - first_].due; }

  void sent(std::size_t number);
  void answered(std::size_t number, unsigned status);
  /// What a client got from one of the servers.
  void see(std::string_view activities, std::size_t server);
  /// A client has lost its connection.
  void lose() noexcept { ++lost_; }

  /// Nothing is under way or missing.
  bool complete() const noexcept { return open_ == 0; }
  /// `answered_after`: when the bot answers.
  DeliveryFigures figures(Clock::duration answered_after) const;

 private:
  struct Seen {
    Clock::time_point message;
    Clock::time_point answer;
  };
  struct Message {
    Clock::time_point due;
    Clock::time_point sent;
    unsigned status = 0;
    std::array<Seen, 2> seen;
  };

  Spread spread(Clock::time_point Seen::* what, std::size_t server, Clock::duration after) const;
  Spread spread_behind(Clock::time_point Seen::* what) const;

  const std::size_t servers_;
  std::size_t first_ = 0;
  std::size_t open_ = 0;  // responses, messages and answers to come
  std::size_t twice_ = 0;
  std::size_t lost_ = 0;
  std::vector<Message> messages_;
};

}  // namespace bench
