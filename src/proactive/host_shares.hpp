#pragma once

#include "proactive/limiter.hpp"

#include <tern/async/clock.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace tern::proactive {

/// Shares the places for scheduled sends among the hosts of channels, so that hosts that do not answer leave places for
/// those that do. It neither waits nor sends, and the caller passes the time.
///
/// A send is slow once it has waited for its answer for `slow_after`. A quarter of the places is kept for slow sends,
/// so that even hosts that stop all at once fill the others only for that long. Of these others a host may have three
/// quarters, and of those for slow sends a half. A host that has not answered yet may have a few, and all such hosts
/// together an eighth.
///
/// A host whose send ends without an answer, while no other was answered since that began, is cut off: its *circuit* is
/// open. After a time that doubles from `first_rest` to `longest_rest` one send at a time tries it, and the first
/// answer closes the circuit. All tries together may have a sixteenth of the places.
///
/// A host is forgotten when it has had nothing to do for `memory`, and is a new one afterwards.
///
/// Thread safety: none; one for each scheduler.
class HostShares {
 public:
  static constexpr std::chrono::milliseconds slow_after{1'000};
  static constexpr std::chrono::milliseconds first_rest{1'000};
  static constexpr std::chrono::milliseconds longest_rest{60'000};
  static constexpr std::chrono::minutes memory{5};
  /// What finds no place asks again after this time at the latest: whose end frees it, nobody knows.
  static constexpr std::chrono::milliseconds look_again{250};

  /// `places`: how many sends may be under way.
  explicit HostShares(std::size_t places);

  /// Whether a send to `host` may begin now (`at` is not after now), and when it is worth asking again. It counts only
  /// with `begun`.
  Limiter::Leave ask(std::uint64_t host, SteadyTime now);
  void begun(std::uint64_t host, SteadyTime now);

  enum class End : std::uint8_t {
    answered,    ///< the host answered, whatever it said
    unanswered,  ///< no connection, or no answer in time
    unknown      ///< it never went, or was cut here: that says nothing of the host
  };
  /// What came of a send that had `begun` at that time.
  struct Change {
    bool opened = false;  ///< the host's circuit
    bool closed = false;
  };
  Change ended(std::uint64_t host, SteadyTime begun, SteadyTime now, End end);

  /// Hosts whose circuit is open.
  std::size_t open() const noexcept { return counts_.open; }
  /// Hosts that are remembered.
  std::size_t size() const noexcept { return hosts_.size(); }

 private:
  struct Host {
    std::vector<SteadyTime> begun;  // of what is under way, in order
    std::size_t slow = 0;           // the first so many of them
    bool has_answered = false;
    std::uint32_t failures = 0;  // tries in a row without an answer; its circuit is open when there are any
    SteadyTime failed{};
    SteadyTime rests_until{};
    SteadyTime answered{};
    SteadyTime used{};

    bool is_open() const noexcept { return failures > 0; }
    bool is_new() const noexcept { return !has_answered && !is_open(); }
    bool seems_to_hang() const noexcept { return slow > 0 && answered < begun.front(); }
  };
  /// What hosts have under way, in the terms that are bounded.
  struct Counts {
    std::size_t all = 0;
    std::size_t slow = 0;
    std::size_t new_hosts = 0;  // to hosts that have not answered yet, and not slow
    std::size_t tries = 0;      // hosts whose circuit is open and that are tried
    std::size_t open = 0;       // hosts whose circuit is open
  };

  template <class Change>
  void change(Host& host, const Change& change);
  static Counts counts_of(const Host& host) noexcept;
  void note_slow(SteadyTime now);
  bool has_place() const noexcept;
  bool may_begin(const Host& host) const noexcept;
  void fail(Host& host, SteadyTime begun, SteadyTime now);
  void forget_idle(SteadyTime now);

  const std::size_t places_;
  boost::unordered_flat_map<std::uint64_t, Host> hosts_;
  std::deque<std::pair<SteadyTime, std::uint64_t>> young_;  // when each began, in order; some have ended
  Counts counts_;
  std::size_t next_look_ = 1'024;
};

}  // namespace tern::proactive
