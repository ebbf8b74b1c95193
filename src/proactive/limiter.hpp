#pragma once

#include "proactive/send_limits.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace tern::proactive {

/// Says when a send may go. It neither waits nor sends, and the caller passes the time.
///
/// A send counts from when it may go until `length` after it ended, because the channel may have counted it at any
/// moment in between: so no interval at the channel holds more than a window allows, however long requests take.
/// One limiter serves all the schedulers of a process; limits of several replicas add up.
///
/// Thread safety: all of it; a call holds the lock for well under a microsecond, save for a rare look for idle scopes.
class Limiter {
 public:
  /// Three conversations with a 429 so close together mean that their tenant or bot is meant.
  static constexpr std::size_t widening = 3;
  static constexpr std::chrono::seconds widening_time{5};
  /// So many conversations that refuse the bot so close together mean a bad secret.
  static constexpr std::size_t refusals = 10;
  static constexpr std::chrono::seconds refusals_time{10};
  static constexpr std::chrono::seconds first_pause{60};
  static constexpr std::chrono::seconds longest_pause{900};
  /// A slow start begins with so many sends a second, and doubles each second for so many seconds.
  static constexpr std::uint32_t slow_start = 20;
  static constexpr std::uint32_t slow_start_seconds = 10;
  /// A send that is later than this says that there was an outage, when its bot has not sent before.
  static constexpr std::chrono::seconds outage{10};

  enum class Frozen : std::uint8_t { conversation, tenant, bot };

  explicit Limiter(SendLimits limits = SendLimits()) : limits_(std::move(limits)) {}

  SendScope scope_of(std::string_view reference) const { return SendScope::of(reference, limits_); }

  /// `now` when the send may go now: it counts from here on, until `ended`. Otherwise the earliest time at which it is
  /// worth asking again. `late`: how long it is overdue.
  SteadyTime ask(const SendScope& scope, SteadyTime now, SteadyTime::duration late);
  /// A send that was let go has ended, whatever came of it.
  void ended(const SendScope& scope, SteadyTime now);

  void succeeded(const SendScope& scope);
  /// The channel answered 429. What is frozen by it.
  Frozen throttled(const SendScope& scope, SteadyTime now, std::chrono::milliseconds retry_after);
  /// The channel answered 401 or 403. Set when the bot is paused: until when, and whether that is news.
  struct Pause {
    SteadyTime until;
    bool begun = false;
  };
  std::optional<Pause> refused(const SendScope& scope, SteadyTime now);

  /// How many conversations, tenants and bots are remembered.
  std::size_t size() const;

 private:
  struct Sends {
    std::deque<SteadyTime> ends;  // in order
    std::uint32_t in_flight = 0;
    SteadyTime frozen{};
    SteadyTime used{};
    SteadyTime::duration longest{};
  };
  using Marks = std::vector<std::pair<std::uint64_t, SteadyTime>>;
  struct Wide : Sends {
    Marks throttled;
    Marks refused;
    std::optional<SteadyTime> ramp;
    std::uint64_t ramp_step = 0;
    std::uint32_t ramp_sent = 0;
    std::chrono::seconds pause{0};
    bool known = false;
  };

  static SteadyTime free_at(Sends& sends, const std::vector<SendWindow>& windows, SteadyTime now);
  static SteadyTime ramp_at(Wide& wide, SteadyTime now);
  static std::size_t mark(Marks& marks, std::uint64_t conversation, SteadyTime now, SteadyTime::duration keep);
  static void freeze(Wide& wide, SteadyTime until);
  void forget_idle(SteadyTime now);

  const SendLimits limits_;
  mutable std::mutex mutex_;
  boost::unordered_flat_map<std::uint64_t, Sends> conversations_;
  boost::unordered_flat_map<std::uint64_t, Wide> wide_;  // tenants and bots
  std::size_t next_look_ = 1'024;
};

}  // namespace tern::proactive
