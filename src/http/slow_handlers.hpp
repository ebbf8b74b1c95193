#pragma once

#include "http/session.hpp"

#include "async/timing_wheel.hpp"

#include <atomic>
#include <cstddef>

namespace tern::http {

/// Begins to watch the client of a session when its handler has run for one or two ticks of the wheel. A faster handler
/// costs only an entry in a list. All sessions of a shard share one entry of the wheel: if each session had its own,
/// the entry and the wheel's timer would be moved with every request.
///
/// Lifetime: wheel and clock outlive it.
/// Thread safety: none; everything on its shard, except `unwatched`.
class SlowHandlers final : public TimingWheel::Entry {
 public:
  SlowHandlers(TimingWheel& wheel, Clock& clock) noexcept : wheel_(wheel), clock_(clock) {}

  /// The handler of the session begins.
  void begin(Session& session) noexcept;
  /// The handler of the session has ended.
  void end(Session& session) noexcept;

  /// Looks at clients that are not watched yet, in the order in which their handlers began. It stops when it has found
  /// clients that have gone or ended, or has looked at 256 clients. A connection whose client has gone is closed, and
  /// one whose client has ended becomes expendable. The other clients are watched from now on.
  void look() noexcept;
  /// How many clients are not watched yet. From any thread.
  std::size_t unwatched() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  void on_expired() noexcept override;
  void arm() noexcept { wheel_.arm(*this, Deadline::after(TimingWheel::tick, clock_)); }
  Session& take_first() noexcept;
  bool look_at_batch() noexcept;
  // Only the shard's thread writes it, so a plain store is enough.
  void count(std::size_t now) noexcept { count_.store(now, std::memory_order_relaxed); }

  TimingWheel& wheel_;
  Clock& clock_;
  HandlingList unwatched_;              // the session whose handler began first in front
  std::atomic<std::size_t> count_ = 0;  // the size of `unwatched_`
  unsigned round_ = 0;                  // how often the wheel's entry has expired
};

}  // namespace tern::http
