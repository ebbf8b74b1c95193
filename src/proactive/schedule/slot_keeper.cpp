#include "proactive/schedule/slot_keeper.hpp"

#include "async/describe_error.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

// A commit of a database that is busy writing may take seconds. A renewal that has not come by then is asked for anew:
// after the heartbeat's two seconds and this, sends may still begin for most of another one.
constexpr std::chrono::milliseconds renewal_timeout{2'000};
constexpr std::chrono::milliseconds renewal_pause{200};
constexpr std::chrono::milliseconds slots_timeout{1'500};
constexpr std::chrono::seconds quiet_timeout{30};  // longer than a send takes

bool is_cancelled(const std::exception_ptr& error) {
  return detail::has_code(error, asio::error::operation_aborted);
}

}  // namespace

SlotKeeper::SlotKeeper(executor ex, AnyStorage storage, SlotWork& work, Clock& clock, std::string owner,
                       std::chrono::milliseconds poll)
    : ex_(ex),
      storage_(std::move(storage)),
      work_(work),
      clock_(clock),
      owner_(std::move(owner)),
      shared_(storage_.traits().shared),
      poll_(poll),
      heartbeat_timer_(clock, ex),
      late_timer_(clock, ex),
      end_timer_(clock, ex) {}

std::uint16_t SlotKeeper::share() const noexcept {
  return static_cast<std::uint16_t>((slot_count + owners_ - 1) / std::max<std::uint16_t>(1, owners_));
}

std::uint16_t SlotKeeper::wanted() const noexcept {
  return settled_ ? static_cast<std::uint16_t>(leases_.size()) : share();
}

void SlotKeeper::tell() {
  std::vector<SlotLease> staying;
  std::copy_if(leases_.begin(), leases_.end(), std::back_inserter(staying),
               [this](const SlotLease& lease) { return !leaving_.test(lease.slot); });
  work_.own(staying);
}

void SlotKeeper::look_at_clock(const HeldSlots& held) {
  if (!held.clock_ahead) {
    return;
  }
  const bool were_apart = std::chrono::abs(clock_ahead_) > most_apart;
  clock_ahead_ = *held.clock_ahead;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock_ahead_).count();
  if (const bool are_apart = std::chrono::abs(clock_ahead_) > most_apart; are_apart && !were_apart) {
    log::error(
        "the clock of this machine differs from that of the schedule's store: sends are early or late by that. "
        "Is NTP running on both?",
        {{"store_ahead_ms", ms}});
  } else if (were_apart && !are_apart) {
    log::info("the clock of this machine agrees with that of the schedule's store again", {{"store_ahead_ms", ms}});
  }
}

awaitable<void> SlotKeeper::take(Deadline by) {
  auto held = co_await storage_.hold_slots(owner_, {}, slot_count, by);
  look_at_clock(held);
  leases_ = std::move(held.leases);
  owners_ = held.owners;
  tell();
}

// All that this says to the storage about slots is said one after the other, so that no answer is older than it seems.
awaitable<void> SlotKeeper::run() {
  running_ = true;
  auto pause = heartbeat;
  while (!stopped_) {
    co_await heartbeat_timer_.wait_for(pause);
    if (stopped_) {
      break;
    }
    std::exception_ptr error;
    try {
      co_await beat();
    } catch (...) {
      error = std::current_exception();
    }
    if (error) {
      if (is_cancelled(error)) {
        std::rethrow_exception(error);
      }
      // The leases run out by themselves: no send begins in the last second of one.
      if (pause == heartbeat) {
        log::warn("the leases of the schedule could not be renewed; it is tried again",
                  {{"error", detail::describe(error)}});
      }
      pause = renewal_pause;
      continue;
    }
    if (std::exchange(pause, heartbeat) != heartbeat) {
      log::info("the leases of the schedule are renewed again", {{"held", leases_.size()}});
    }
  }
  running_ = false;
  end_timer_.cancel();
}

awaitable<void> SlotKeeper::beat() {
  const auto owners_before = owners_;
  auto held = co_await storage_.hold_slots(owner_, leases_, wanted(), Deadline::after(renewal_timeout, clock_));
  look_at_clock(held);
  adopt(std::move(held.leases));
  if (std::exchange(owners_, held.owners) > held.owners && !settled_) {
    tell();
    // Fewer processes share the slots: those of the others are free at once.
    held = co_await storage_.hold_slots(owner_, leases_, wanted(), Deadline::after(renewal_timeout, clock_));
    adopt(std::move(held.leases));
    owners_ = held.owners;
  }
  if (owners_ != owners_before || told_held_ != leases_.size()) {
    told_held_ = leases_.size();
    log::info("the slots of the schedule are shared", {{"held", leases_.size()}, {"owners", owners_}});
  }
  SlotSet now;
  for (const auto& lease : leases_) {
    now.set(lease.slot);
  }
  leaving_ &= now;
  quiet_ &= now;
  if (!settled_ && leaving_.none() && leases_.size() > share()) {
    begin_to_leave();
  } else {
    tell();
  }
  co_await release_quiet_slots();  // last, for a renewal must not wait for it
}

// The next owner of a slot sends as the records say, so every outcome is written before the slot goes.
void SlotKeeper::begin_to_leave() {
  for (std::size_t i = share(); i < leases_.size(); ++i) {
    leaving_.set(leases_[i].slot);
  }
  // First: waiting sends are put back then, and their outcomes are to be written too.
  tell();
  asio::co_spawn(ex_, leave(leaving_), [this](std::exception_ptr error) {
    if (error && !is_cancelled(error)) {
      leaving_.reset();
      log::warn("slots of the schedule could not be given up; it is tried again", {{"error", detail::describe(error)}});
    }
  });
}

awaitable<void> SlotKeeper::leave(SlotSet slots) {
  const bool quiet = co_await work_.quiet(slots, Deadline::after(quiet_timeout, clock_));
  if (!quiet) {
    leaving_.reset();  // the next heartbeat begins anew
    co_return;
  }
  quiet_ = leaving_ & slots;
  heartbeat_timer_.cancel();
}

awaitable<void> SlotKeeper::release_quiet_slots() {
  if (quiet_.any()) {
    const auto is_quiet = [this](const SlotLease& lease) { return quiet_.test(lease.slot); };
    std::copy_if(leases_.begin(), leases_.end(), std::back_inserter(giving_back_), is_quiet);
    std::erase_if(leases_, is_quiet);
    leaving_.reset();
    quiet_.reset();
  }
  if (!giving_back_.empty()) {
    co_await storage_.release_slots(giving_back_, Deadline::after(slots_timeout, clock_));
    giving_back_.clear();
  }
}

// A release whose answer did not come may still happen: until one is confirmed, its slots are not this process's.
void SlotKeeper::adopt(std::vector<SlotLease> leases) {
  const auto is_in = [](const std::vector<SlotLease>& some, const SlotLease& one) {
    return std::any_of(some.begin(), some.end(),
                       [&](const SlotLease& other) { return other.slot == one.slot && other.epoch == one.epoch; });
  };
  std::erase_if(giving_back_, [&](const SlotLease& lease) { return !is_in(leases, lease); });
  std::erase_if(leases, [&](const SlotLease& lease) { return is_in(giving_back_, lease); });
  leases_ = std::move(leases);
}

awaitable<void> SlotKeeper::run_late() {
  bool more = false;
  while (!stopped_) {
    co_await late_timer_.wait_for(more ? std::chrono::milliseconds(0) : poll_);
    if (stopped_) {
      break;
    }
    std::exception_ptr error;
    LateSends late;
    try {
      late = co_await storage_.load_late(leases_, Deadline::after(slots_timeout, clock_));
    } catch (...) {
      error = std::current_exception();
    }
    if (error && is_cancelled(error)) {
      std::rethrow_exception(error);
    }
    // An outage: the heartbeat tells of it, and a sweep finds what was missed meanwhile.
    if (!late.entries.empty()) {
      work_.on_late(std::move(late.entries));
    }
    more = late.more;
    if (late.free_slots) {
      heartbeat_timer_.cancel();  // who gave them back is gone, or has more than its share
    }
  }
}

void SlotKeeper::stop() noexcept {
  stopped_ = true;
  heartbeat_timer_.cancel();
  late_timer_.cancel();
}

awaitable<void> SlotKeeper::release(Deadline by) {
  while (running_ && !by.expired(clock_)) {
    co_await end_timer_.wait_until(by.when());
  }
  const auto busy = co_await work_.under_way();
  auto going = std::exchange(leases_, {});
  going.insert(going.end(), giving_back_.begin(), giving_back_.end());
  std::erase_if(going, [&](const SlotLease& lease) { return busy.test(lease.slot); });
  if (!going.empty()) {
    co_await storage_.release_slots(std::move(going), by);
  }
}

}  // namespace tern::proactive
