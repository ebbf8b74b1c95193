#pragma once

#include <tern/async/deadline.hpp>
#include <tern/async/timer.hpp>

#include <boost/intrusive/list.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>

namespace tern {

/// Coarse deadlines for very many objects at once: arming, moving and disarming a deadline costs a few nanoseconds and
/// no system call, and one timer serves all deadlines. An entry fires up to one tick (50 ms) late, never early.
///
/// Thread safety: none; a wheel belongs to one shard.
class TimingWheel {
 public:
  /// How late an entry may fire.
  static constexpr std::chrono::milliseconds tick{50};

  /// One deadline, to derive from. Destroying an armed entry disarms it.
  class Entry : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    /// Whether the entry has a deadline.
    bool armed() const noexcept { return is_linked(); }

   protected:
    virtual ~Entry() = default;

   private:
    friend class TimingWheel;
    /// Called on the wheel's executor, disarmed. May arm or destroy this and other entries.
    virtual void on_expired() noexcept = 0;
    SteadyTime when_{};
  };

  /// A wheel of the shard with the executor `ex`.
  /// Lifetime: the clock outlives it.
  TimingWheel(Clock& clock, executor ex);
  ~TimingWheel();
  TimingWheel(const TimingWheel&) = delete;
  TimingWheel& operator=(const TimingWheel&) = delete;

  /// Arms `entry`, or moves it. `Deadline::never()` disarms.
  void arm(Entry& entry, Deadline by) noexcept;
  /// Takes the deadline away; no effect on an entry without a deadline.
  void disarm(Entry& entry) noexcept;

  /// Runs the wheel until `stop` or the wheel's end. Spawn it once, on the wheel's executor. It sleeps until the next
  /// slot that holds an entry, or until the time of the entry that woke it last (it may be disarmed since). With no
  /// entry armed, nothing wakes it after that.
  /// Cancellation: terminal cancellation throws `operation_aborted`; entries stay armed.
  awaitable<void> run();
  /// Ends `run`.
  void stop() noexcept;
  /// Takes `stop` back: `run` goes on if it has not ended yet, and may be called again otherwise.
  void resume() noexcept { stopped_ = false; }

  /// Fires the entries that are due now. `run` calls it, and tests may.
  void expire_due() noexcept;

 private:
  using Slot = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t slots = 512;  // 25.6 s for one revolution; later entries go round again

  static constexpr std::int64_t no_tick = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t awake = std::numeric_limits<std::int64_t>::min();

  /// The first tick at which `when` has passed.
  std::int64_t tick_of(SteadyTime when) const noexcept;
  Slot& slot_of(std::int64_t at) noexcept { return slots_[static_cast<std::uint64_t>(at) % slots]; }
  /// The next tick whose slot holds an entry, perhaps one of a later revolution.
  std::int64_t next_occupied() const noexcept;
  void expire_slot(Slot& slot, std::int64_t now) noexcept;

  Clock& clock_;
  Timer timer_;
  std::array<Slot, slots> slots_;
  std::int64_t current_;          // the last tick that was processed
  std::int64_t wake_at_ = awake;  // the tick until which `run` sleeps; arming an earlier entry wakes it
  bool stopped_ = false;
  std::shared_ptr<bool> gone_;  // tells `run` that the wheel was destroyed while it waited
};

}  // namespace tern
