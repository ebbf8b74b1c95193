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
  wake_ = true;
  timer_.cancel();
}

bool Scheduler::lease_is_good(std::uint16_t slot) const noexcept {
  const auto& owned = owned_[slot];
  return owned.held && (owned.lease.until == SteadyTime::max() || clock_.now() + lease_margin < owned.lease.until);
}

awaitable<void> Scheduler::run() {
  while (!stopped_) {
    std::exception_ptr error;
    wake_ = false;
    try {
      if (window_is_short()) {
        co_await load_window();
      }
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
      loaded_until_.reset();  // the slots that were not read yet are read with the next try
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
    ended(entry);
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
  if (in_flight_ >= options_.in_flight || !leases_are_good()) {
    return options_.longest_sleep;  // the end of any of them wakes the loop, as new leases do
  }
  const auto now = clock_.wall_now();
  auto wake_at = !loaded_until_ ? now
                 : has_room()   ? *loaded_until_ - options_.window / 2
                                : now + options_.longest_sleep;
  if (const auto due = window_.next_due()) {
    wake_at = std::min({wake_at, *due, now + options_.longest_sleep});
  }
  SteadyTime::duration sleep = wake_at - now;
  if (const auto next = waiting_.next()) {
    sleep = std::min(sleep, *next - clock_.now());
  }
  return suspended_.empty() ? sleep : std::min(sleep, suspended_.begin()->first - clock_.now());
}

bool Scheduler::has_room() const noexcept {
  return window_.size() < window_.capacity() / 2;
}

bool Scheduler::window_is_short() const noexcept {
  if (!has_room() && loaded_until_) {
    return false;
  }
  return !loaded_until_ || *loaded_until_ - clock_.wall_now() <= options_.window / 2;
}

awaitable<void> Scheduler::load_window() {
  const auto until = clock_.wall_now() + options_.window;
  loaded_until_ = until;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (owned_[slot].held) {
      co_await load_slot(slot, until);
    }
  }
}

awaitable<void> Scheduler::load_slot(std::uint16_t slot, WallTime until) {
  for (;;) {
    const auto covered = window_.covered(slot);
    if (covered.due >= until) {
      co_return;
    }
    DueQuery query;
    query.lease = owned_[slot].lease;
    query.from = covered.due;
    query.after_seq = covered.seq;
    query.until = until;
    const auto by = Deadline::after(options_.storage_timeout, clock_);
    auto page = co_await storage_.load_due(std::move(query), by);
    if (!owned_[slot].held) {
      co_return;
    }
    for (const auto& entry : page.entries) {
      window_.add_loaded(entry);
      window_.set_covered(slot, {entry.due, entry.seq});
    }
    if (!page.more) {
      // Everything before `until`: a later commit that is due before it comes through `on_committed`.
      window_.set_covered(slot, {until - std::chrono::nanoseconds(1), UINT64_MAX});
      co_return;
    }
    if (window_.size() >= window_.capacity()) {
      loaded_until_ = std::min(*loaded_until_, window_.covered(slot).due);
      co_return;
    }
  }
}

// Asks for all that is overdue, whatever was loaded before: a store that several processes write to may have shown less
// than there was. What is found twice is handed out once. Nothing is asked while this is behind with what it has.
awaitable<void> Scheduler::sweep() {
  swept_ = clock_.now();
  const auto now = clock_.wall_now();
  if (const auto due = window_.next_due(); due && *due < now) {
    co_return;
  }
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
                    [this](const DueEntry& entry) { window_.add_loaded(entry); });
    }
  }
}

awaitable<void> Scheduler::send_due() {
  while (!stopped_ && in_flight_ < options_.in_flight && leases_are_good()) {
    const auto room = std::min(options_.in_flight - in_flight_, options_.batch);
    auto entries = window_.take_due(clock_.wall_now(), room);
    if (entries.empty()) {
      co_return;
    }
    // Counted from here on, so that `idle` knows of them while their records are read.
    in_flight_ += entries.size();
    for (const auto& entry : entries) {
      ++owned_[entry.slot].in_flight;
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
        begin(entry, std::move(sends[next]));
      } else {
        ended(entry);  // cancelled, edited, or done already
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
    if (const auto& again = outcomes_[i].again) {
      if (std::find(refused.begin(), refused.end(), i) == refused.end() && owned_[again->slot].held) {
        window_.retry(*again);
      } else {
        window_.release(again->order_hash);  // its new owner tries it
      }
    }
    if (const auto& next = outcomes_[i].next; next && owned_[next->slot].held) {
      window_.add_committed(*next);  // one that was refused meanwhile is not handed out
    }
  }
  outcomes_.erase(outcomes_.begin(), outcomes_.begin() + static_cast<std::ptrdiff_t>(count));
  wake_ = true;
  timer_.cancel();
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

bool Scheduler::is_quiet(SlotSet slots) const noexcept {
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (slots.test(slot) && owned_[slot].in_flight > 0) {
      return false;
    }
  }
  return std::none_of(outcomes_.begin(), outcomes_.end(),
                      [&](const Unrecorded& item) { return slots.test(item.outcome.handle.slot); });
}

awaitable<bool> Scheduler::quiet(SlotSet slots, Deadline by) {
  while (!is_quiet(slots) && !by.expired(clock_)) {
    flush();
    co_await quiet_timer_.wait_until(by.when());
  }
  co_return is_quiet(slots);
}

void Scheduler::on_committed(std::vector<DueEntry> entries) {
  asio::post(ex_, [this, moved = std::move(entries)] {
    bool sooner = false;
    for (const auto& entry : moved) {
      if (owned_[entry.slot].held && window_.add_committed(entry)) {
        sooner = sooner || window_.next_due() == entry.due;
      }
    }
    if (sooner) {
      wake_ = true;
      timer_.cancel();
    }
  });
}

}  // namespace tern::proactive
