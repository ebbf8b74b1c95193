// What became of sends, and how the store learns it: in batches.
#include "proactive/describe_error.hpp"
#include "proactive/schedule/scheduler.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::chrono::milliseconds storage_pause{250};

}  // namespace

// No attempt was made, so none is counted; and what was begun by an owner before this one still was.
void Scheduler::postpone(const DueEntry& entry, const ScheduledSend& send, WallTime until) {
  SendOutcome outcome(SendOutcome::Kind::retry, send.handle, send.generation, lease_of(entry));
  outcome.attempt = send.attempt;
  outcome.begun = send.begun;
  outcome.not_before = std::chrono::ceil<std::chrono::microseconds>(until);
  left_flight(entry);
  record(std::move(outcome), entry);
}

// It is due later than was thought here: those of its key that are due before it need not wait for it.
void Scheduler::hand_back(const DueEntry& entry, const ScheduledSend& send) {
  Unrecorded item{SendOutcome(SendOutcome::Kind::retry, send.handle, send.generation, lease_of(entry)), std::nullopt,
                  entry_of(send, entry.seq), std::nullopt};
  item.outcome.attempt = send.attempt;
  item.outcome.begun = send.begun;
  item.outcome.not_before = item.next->due;
  (void)recent_.forget(entry);
  ended(entry);
  outcomes_.push_back(std::move(item));
  flush();
}

void Scheduler::ended(const DueEntry& entry) noexcept {
  window_.release(entry.order_hash);
  left_flight(entry);
}

void Scheduler::enter_flight(const DueEntry& entry) noexcept {
  ++in_flight_;
  ++owned_[entry.slot].in_flight;
}

void Scheduler::left_flight(const DueEntry& entry) noexcept {
  --in_flight_;
  --owned_[entry.slot].in_flight;
  wake();
  idle_timer_.cancel();
  quiet_timer_.cancel();
}

// What is asked once the channel has answered must not keep the answer from being recorded: unrecorded, the send would
// go out at every start again, and hold its conversation until then.
void Scheduler::set_next(SendOutcome& outcome, const ScheduledSend& send) noexcept {
  try {
    outcome.next = sends_.next_occurrence(send, clock_.wall_now());
  } catch (...) {
    log::error("when a scheduled send comes again could not be found; it comes no more",
               {{"send", send.handle.to_string()}, {"error", describe(std::current_exception())}});
  }
}

std::optional<StoreUpsert> Scheduler::note_of(const ScheduledSend& send, const SendOutcome& outcome) noexcept {
  try {
    return sends_.note_of(send, outcome);
  } catch (...) {
    log::error("what became of a scheduled send could not be noted for its broadcast",
               {{"send", send.handle.to_string()}, {"error", describe(std::current_exception())}});
    return std::nullopt;
  }
}

// Without an answer it is sent now: late is better than never.
WallTime Scheduler::awake(const ScheduledSend& send, WallTime now) noexcept {
  try {
    return sends_.not_before(send, now);
  } catch (...) {
    log::error("the quiet hours of a scheduled send could not be found; it is sent now",
               {{"send", send.handle.to_string()}, {"error", describe(std::current_exception())}});
    return now;
  }
}

void Scheduler::record(SendOutcome outcome, const DueEntry& entry, std::optional<StoreUpsert> note) {
  Unrecorded item{std::move(outcome), std::nullopt, std::nullopt, std::move(note)};
  if (item.outcome.kind == SendOutcome::Kind::retry) {
    item.again = entry;
    item.again->attempt = static_cast<std::uint16_t>(item.outcome.attempt);
    // The clock may have been set back since it was due.
    item.again->due = std::max(item.outcome.not_before, item.outcome.handle.due);
  } else if (item.outcome.next) {
    item.next = entry;
    item.next->attempt = 0;
    item.next->due = *item.outcome.next;
    ++item.next->generation;
  }
  outcomes_.push_back(std::move(item));
  flush();
}

// A retry goes back into the window only now: before, the store would still take the send for one under way, and hand
// nothing out when it is due again.
void Scheduler::recorded(std::size_t count, const std::vector<std::size_t>& refused) {
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_refused = std::find(refused.begin(), refused.end(), i) != refused.end();
    if (const auto& again = outcomes_[i].again) {
      if (!is_refused && owned_[again->slot].held) {
        window_.retry(*again);
      } else {
        window_.release(again->order_hash);  // its new owner tries it
      }
    }
    if (const auto& next = outcomes_[i].next) {
      take_committed(*next);
      if (is_refused) {
        // A try whose answer was lost may have written it, or another owner its own, which is due at another time: when
        // that is told it is new. The record decides when its time has come.
        (void)recent_.forget(*next);
      }
    }
  }
  outcomes_.erase(outcomes_.begin(), outcomes_.begin() + static_cast<std::ptrdiff_t>(count));
  wake();
  quiet_timer_.cancel();
}

void Scheduler::flush() {
  if (writing_ || outcomes_.empty()) {
    return;
  }
  writing_ = true;
  asio::co_spawn(ex_, write_outcomes(), [this](std::exception_ptr error) {
    writing_ = false;
    if (error) {
      log::error("outcomes could not be written", {{"error", describe(error)}});
    } else {
      flush();  // one may have come between the writer's last look and its end
    }
    idle_timer_.cancel();
  });
}

// One write takes all that came together; while it is under way the next batch gathers.
awaitable<void> Scheduler::write_outcomes() {
  while (!outcomes_.empty()) {
    StoreChanges changes;
    std::size_t count = 0;
    std::set<std::string_view> noted;  // a key stands once in a write: a second note of it begins the next
    for (; count < std::min(outcomes_.size(), options_.batch); ++count) {
      const auto& item = outcomes_[count];
      if (item.note && !noted.insert(item.note->key).second) {
        break;
      }
      changes.outcomes.push_back(item.outcome);
      if (item.note) {
        changes.upserts.push_back(*item.note);
      }
    }
    const auto by = Deadline::after(options_.storage_timeout, clock_);
    std::exception_ptr error;
    std::vector<std::size_t> refused;
    try {
      auto written = co_await storage_.write(std::move(changes), by);
      if (written.has_value()) {
        refused = std::move(written->refused);
      }
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted) {
        throw;
      }
      error = std::current_exception();
      if (e.code() == errc::invalid_argument) {
        // The store takes no such document, now or later: the outcomes go without.
        std::for_each(outcomes_.begin(), outcomes_.end(), [](Unrecorded& item) { item.note.reset(); });
      }
    }
    if (error) {
      // Kept: without its record a send would be sent again after a restart.
      log::warn("outcomes could not be written; it is tried again", {{"error", describe(error)}});
      Timer pause(clock_, ex_);
      co_await pause.wait_for(storage_pause);
      continue;
    }
    figures_.refused.inc(static_cast<double>(refused.size()));
    recorded(count, refused);
  }
}

awaitable<bool> Scheduler::idle(Deadline by) {
  while ((in_flight_ > 0 || writing_ || !outcomes_.empty()) && !by.expired(clock_)) {
    flush();
    co_await idle_timer_.wait_until(by.when());
  }
  co_return in_flight_ == 0 && outcomes_.empty();
}

SlotSet Scheduler::busy() const noexcept {
  SlotSet slots;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    slots.set(slot, owned_[slot].in_flight > 0);
  }
  for (const auto& item : outcomes_) {
    slots.set(item.outcome.handle.slot);
  }
  return slots;
}

awaitable<bool> Scheduler::quiet(SlotSet slots, Deadline by) {
  while ((busy() & slots).any() && !by.expired(clock_)) {
    flush();
    co_await quiet_timer_.wait_until(by.when());
  }
  co_return (busy() & slots).none();
}

}  // namespace tern::proactive
