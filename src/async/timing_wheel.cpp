#include "async/timing_wheel.hpp"

#include <algorithm>
#include <utility>

namespace tern {
namespace {

constexpr std::int64_t tick_length = std::chrono::duration_cast<SteadyTime::duration>(TimingWheel::tick).count();

// The last tick that has begun at `now`.
std::int64_t tick_at(SteadyTime now) noexcept {
  const std::int64_t count = now.time_since_epoch().count();
  const std::int64_t rest = count % tick_length;
  return count / tick_length - (rest < 0 ? 1 : 0);
}

SteadyTime time_of(std::int64_t tick) noexcept {
  if (tick > SteadyTime::max().time_since_epoch().count() / tick_length) {
    return SteadyTime::max();
  }
  return SteadyTime{SteadyTime::duration{tick * tick_length}};
}

}  // namespace

TimingWheel::TimingWheel(Clock& clock, executor ex)
    : clock_(clock),
      timer_(clock, std::move(ex)),
      current_(tick_at(clock.now())),
      gone_(std::make_shared<bool>(false)) {}

TimingWheel::~TimingWheel() {
  *gone_ = true;
  timer_.cancel();
}

std::int64_t TimingWheel::tick_of(SteadyTime when) const noexcept {
  const std::int64_t count = when.time_since_epoch().count();
  const std::int64_t rest = count % tick_length;
  return count / tick_length + (rest > 0 ? 1 : 0);
}

void TimingWheel::arm(Entry& entry, Deadline by) noexcept {
  disarm(entry);
  if (by.is_never()) {
    return;
  }
  entry.when_ = by.when();
  // A deadline in the past expires at the next tick. The clock is not read here. `current_` may be behind the clock;
  // `run` sleeps then, and is woken below.
  const std::int64_t due = std::max(tick_of(entry.when_), current_ + 1);
  slot_of(due).push_back(entry);
  if (due < wake_at_) {
    wake_at_ = due;
    timer_.cancel();
  }
}

void TimingWheel::disarm(Entry& entry) noexcept {
  if (entry.is_linked()) {
    entry.unlink();
  }
}

void TimingWheel::expire_due() noexcept {
  const std::int64_t now = tick_at(clock_.now());
  if (now <= current_) {
    return;
  }
  // After a stall of more than a revolution each slot is visited once, which finds all entries that are due.
  const std::int64_t first = std::max(current_ + 1, now - static_cast<std::int64_t>(slots) + 1);
  // Set before any entry expires, so that an entry that `on_expired` arms in the past waits for the next tick.
  current_ = now;
  for (std::int64_t at = first; at <= now; ++at) {
    expire_slot(slot_of(at), now);
  }
}

void TimingWheel::expire_slot(Slot& slot, std::int64_t now) noexcept {
  // The entries move to a list of their own: `on_expired` may arm an entry in this slot, and may disarm or destroy
  // entries that are still in the list.
  Slot visited;
  visited.splice(visited.end(), slot);
  while (!visited.empty()) {
    Entry& entry = visited.front();
    visited.pop_front();
    if (tick_of(entry.when_) > now) {
      slot.push_back(entry);
    } else {
      entry.on_expired();
    }
  }
}

std::int64_t TimingWheel::next_occupied() const noexcept {
  for (std::int64_t ahead = 1; ahead <= static_cast<std::int64_t>(slots); ++ahead) {
    if (!slots_[static_cast<std::uint64_t>(current_ + ahead) % slots].empty()) {
      return current_ + ahead;
    }
  }
  return no_tick;
}

// The entry that has woken the wheel may be disarmed before the wheel runs, as it is in a turn that does not wait. The
// wheel then sleeps until the time of that entry all the same: otherwise each such turn would wake it.
awaitable<void> TimingWheel::run() {
  const std::shared_ptr<const bool> gone = gone_;
  auto woken_for = no_tick;
  while (!stopped_) {
    expire_due();
    if (stopped_) {
      break;
    }
    wake_at_ = std::min(next_occupied(), woken_for);
    const bool came = co_await timer_.wait_until(time_of(wake_at_));
    if (*gone) {
      co_return;
    }
    woken_for = came ? no_tick : wake_at_;
    wake_at_ = awake;
  }
}

void TimingWheel::stop() noexcept {
  stopped_ = true;
  timer_.cancel();
}

}  // namespace tern
