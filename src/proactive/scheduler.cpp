#include "proactive/scheduler.hpp"

#include "proactive/describe_error.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace tern::proactive {

namespace {

// The first write of a send must still lie well inside the lease.
constexpr std::chrono::seconds lease_margin{1};
constexpr std::chrono::milliseconds storage_pause{250};

Histogram lateness(Metrics& metrics, const char* part) {
  return metrics.histogram("tern_schedule_lateness_seconds",
                           "What makes scheduled sends late: from due to ready, held back by limits, on the way.",
                           {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300}, {{"part", part}});
}

Counter throttled(Metrics& metrics, const char* scope) {
  return metrics.counter("tern_429_total", "Answers 429, by what they were taken to freeze.", {{"scope", scope}});
}

}  // namespace

ScheduleFigures::ScheduleFigures(Metrics& metrics)
    : sent(metrics.counter("tern_scheduled_sends_total", "Scheduled sends by outcome.", {{"outcome", "sent"}})),
      retried(metrics.counter("tern_scheduled_sends_total", "Scheduled sends by outcome.", {{"outcome", "retry"}})),
      dead(metrics.counter("tern_scheduled_sends_total", "Scheduled sends by outcome.", {{"outcome", "dead"}})),
      expired(metrics.counter("tern_scheduled_sends_total", "Scheduled sends by outcome.", {{"outcome", "expired"}})),
      possible_duplicates(metrics.counter("tern_possible_duplicates_total",
                                          "Sends that are tried again though they may have arrived.")),
      refused(metrics.counter("tern_stale_outcomes_total", "Outcomes refused because another owner came.")),
      suspects(metrics.counter("tern_suspect_continuations_total",
                               "Continuations that had begun when a process died, run again alone.")),
      throttled_conversation(throttled(metrics, "conversation")),
      throttled_tenant(throttled(metrics, "tenant")),
      throttled_bot(throttled(metrics, "bot")),
      late_by_scheduler(lateness(metrics, "scheduler")),
      late_by_limiter(lateness(metrics, "limiter")),
      late_by_connector(lateness(metrics, "connector")) {}

DueEntry entry_of(const ScheduledSend& send, std::uint64_t seq) {
  DueEntry entry;
  entry.due = std::max(send.handle.due, send.not_before);
  entry.seq = seq;
  entry.order_hash = stable_hash(send.order_key);
  entry.id = send.handle.id;
  entry.generation = send.generation;
  entry.slot = send.handle.slot;
  entry.attempt = static_cast<std::uint16_t>(send.attempt);
  return entry;
}

Scheduler::Scheduler(executor ex, AnyStorage storage, SendExecutor& sends, Clock& clock, ScheduleFigures& figures,
                     SoloGate& solo, SchedulerOptions options)
    : ex_(ex),
      storage_(std::move(storage)),
      sends_(sends),
      clock_(clock),
      figures_(figures),
      options_(options),
      timer_(clock, ex),
      idle_timer_(clock, ex),
      quiet_timer_(clock, ex),
      solo_(solo),
      waiting_(options.waiting, options.longest_wait),
      window_(options.window_entries),
      load_timer_(clock, ex),
      swept_(clock.now()),
      random_(static_cast<std::minstd_rand::result_type>(clock.now().time_since_epoch().count() | 1)) {
  solo.add_listener([this] { asio::post(ex_, [this] { begin_suspect(); }); });
}

Scheduler::~Scheduler() = default;

void Scheduler::own(const std::vector<SlotLease>& leases) {
  std::array<bool, slot_count> named{};
  for (const auto& lease : leases) {
    auto& owned = owned_[lease.slot];
    named[lease.slot] = true;
    if (!owned.held || owned.lease.epoch != lease.epoch) {
      ++owned.taken;
      window_.drop_slot(lease.slot);
      loaded_until_.reset();  // a slot that is new here is loaded at once
    }
    owned.lease = lease;
    owned.held = true;
  }
  SlotSet gone;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (owned_[slot].held && !named[slot]) {
      owned_[slot].held = false;
      window_.drop_slot(slot);
      gone.set(slot);
    }
  }
  give_up_waiting(gone);
  load_timer_.cancel();
  wake();
}

void Scheduler::wake() noexcept {
  wake_ = true;
  timer_.cancel();
}

bool Scheduler::lease_is_good(std::uint16_t slot) const noexcept {
  const auto& owned = owned_[slot];
  if (!owned.held || owned.lease.until == SteadyTime::max()) {
    return owned.held;
  }
  const auto slept = clock_.asleep() - owned.lease.asleep;
  return clock_.now() + slept + lease_margin < owned.lease.until;
}

awaitable<void> Scheduler::run() {
  loader_runs_ = true;
  asio::co_spawn(ex_, load_ahead(), [this](std::exception_ptr error) {
    if (error) {
      log::error("the loader of the schedule ended with an exception", {{"error", describe(error)}});
    }
    loader_runs_ = false;
    wake();
  });
  co_await send_as_due();
  while (loader_runs_) {
    co_await timer_.wait_for(options_.longest_sleep);
  }
}

awaitable<void> Scheduler::send_as_due() {
  while (!stopped_) {
    std::exception_ptr error;
    wake_ = false;
    try {
      if (storage_.traits().shared && clock_.now() - swept_ >= options_.sweep) {
        co_await sweep();
      }
      begin_waiting();
      co_await send_due();
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted) {
        throw;
      }
      error = std::current_exception();
    } catch (...) {
      error = std::current_exception();
    }
    if (error) {
      log::warn("the schedule's storage failed; it is asked again", {{"error", describe(error)}});
      co_await timer_.wait_for(storage_pause);
      continue;
    }
    const auto pause = time_to_sleep();
    if (!wake_ && !stopped_ && pause > SteadyTime::duration::zero()) {
      co_await timer_.wait_for(pause);
    } else {
      co_await asio::post(ex_, asio::deferred);  // whatever this is busy with, others have their turn
    }
  }
}

void Scheduler::stop() noexcept {
  stopped_ = true;
  for (const auto& [entry, send] : std::exchange(suspects_, {})) {
    window_.release(entry.order_hash);
  }
  // The next process finds these as they were.
  waiting_.drop([](const ReadySend&) { return true; },
                [this](ReadySend& ready) { window_.release(ready.entry.order_hash); });
  // Refused, and so not delivered, which the store must know of those that may arrive at most once.
  for (const auto& [at, suspended] : std::exchange(suspended_, {})) {
    enter_flight(suspended.ready.entry);
    postpone(suspended.ready.entry, suspended.ready.send, suspended.ready.entry.due);
  }
  timer_.cancel();
  load_timer_.cancel();
}

// All leases are renewed at once.
bool Scheduler::leases_are_good() const noexcept {
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (owned_[slot].held && !lease_is_good(slot)) {
      return false;
    }
  }
  return true;
}

SteadyTime::duration Scheduler::time_to_sleep() const noexcept {
  if (!has_place() || !leases_are_good()) {
    return options_.longest_sleep;  // the end of any of them wakes the loop, as its record and new leases do
  }
  SteadyTime::duration sleep = options_.longest_sleep;
  const auto limit = horizon();
  if (const auto due = window_.next_due(); due && (!limit || *due <= *limit)) {
    sleep = std::min<SteadyTime::duration>(sleep, *due - clock_.wall_now());
  }
  if (const auto next = waiting_.next()) {
    sleep = std::min(sleep, *next - clock_.now());
  }
  return suspended_.empty() ? sleep : std::min(sleep, suspended_.begin()->first - clock_.now());
}

// Asks for all that is overdue, whatever was loaded before: a store that several processes write to may have shown less
// than there was. What is found twice is handed out once. Nothing is asked while this is behind with what it has.
awaitable<void> Scheduler::sweep() {
  const auto now = clock_.wall_now();
  if (const auto due = window_.next_due(); due && *due + std::chrono::seconds(1) < now) {
    co_return;
  }
  swept_ = clock_.now();
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (!owned_[slot].held) {
      continue;
    }
    DueQuery query;
    query.lease = owned_[slot].lease;
    query.until = now;
    auto page = co_await storage_.load_due(std::move(query), Deadline::after(options_.storage_timeout, clock_));
    if (owned_[slot].held) {
      std::for_each(page.entries.begin(), page.entries.end(),
                    [this](const DueEntry& entry) { window_.add_swept(entry); });
    }
  }
}

// What was sent and is not recorded is sent again after a crash, so it takes a place like what is under way: also while
// the store cannot be written to, not more than `in_flight` and one batch are ever in doubt.
bool Scheduler::has_place() const noexcept {
  return in_flight_ < options_.in_flight && in_flight_ + outcomes_.size() < options_.in_flight + options_.batch;
}

awaitable<void> Scheduler::send_due() {
  while (!stopped_ && has_place() && leases_are_good()) {
    const auto room = std::min({options_.in_flight - in_flight_, options_.batch,
                                options_.in_flight + options_.batch - in_flight_ - outcomes_.size()});
    const auto now = clock_.wall_now();
    auto entries = window_.take_due(std::min(now, horizon().value_or(now)), room);
    if (waits_for_room_ && has_room()) {
      load_timer_.cancel();
    }
    if (entries.empty()) {
      co_return;
    }
    // Counted from here on, so that `idle` knows of them while their records are read.
    in_flight_ += entries.size();
    for (auto& entry : entries) {
      auto& owned = owned_[entry.slot];
      ++owned.in_flight;
      entry.epoch = owned.lease.epoch;
    }
    std::vector<ScheduledSend> sends;
    std::exception_ptr error;
    try {
      const auto by = Deadline::after(options_.storage_timeout, clock_);
      sends = co_await storage_.fetch(entries, by);
    } catch (...) {
      error = std::current_exception();
    }
    if (error) {
      for (const auto& entry : entries) {
        window_.retry(entry);
        left_flight(entry);
      }
      std::rethrow_exception(error);
    }
    std::size_t next = 0;
    for (const auto& entry : entries) {
      const bool found = next < sends.size() && sends[next].handle.id == entry.id;
      if (found && sends[next].attempt == entry.attempt && sends[next].generation == entry.generation) {
        if (sends[next].handle.due > std::max(now, entry.due)) {
          hand_back(entry, sends[next]);
        } else {
          begin(entry, std::move(sends[next]));
        }
      } else {
        ended(entry);  // cancelled, edited, or done already
        if (recent_.forget(entry)) {
          take_committed(entry);  // it came again while it was looked for: perhaps an edit that has failed
        }
      }
      next += found ? 1 : 0;
    }
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

// True when it is the first that is due.
bool Scheduler::take_committed(const DueEntry& entry) {
  if (!owned_[entry.slot].held || recent_.came_again(entry)) {
    return false;
  }
  if (window_.add_committed(entry)) {
    recent_.add(entry, clock_.now());
    return window_.next_due() == entry.due;
  }
  if (page_slot_ == entry.slot) {
    told_meanwhile_.push_back(entry);  // the page may have been read before it was committed
  } else if (!loading_) {
    loaded_only_until(entry.due);  // there was no room, so that it is loaded again from here on
  }
  return false;
}

void Scheduler::on_committed(std::vector<DueEntry> entries) {
  asio::post(ex_, [this, moved = std::move(entries)] {
    bool sooner = false;
    for (const auto& entry : moved) {
      sooner = take_committed(entry) || sooner;
    }
    if (sooner) {
      wake();
    }
  });
}

void Scheduler::on_cancelled(std::vector<SendHandle> handles) {
  asio::post(ex_, [this, moved = std::move(handles)] {
    for (const auto& handle : moved) {
      window_.forget_retry(handle.id);
    }
    wake();
  });
}

}  // namespace tern::proactive
