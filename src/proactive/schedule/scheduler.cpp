#include "proactive/schedule/scheduler.hpp"

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

}  // namespace

DueEntry entry_of(const ScheduledSend& send, std::uint64_t seq) {
  DueEntry entry;
  entry.due = std::max(send.handle.due, send.not_before);
  entry.seq = seq;
  entry.order_hash = order_hash_of(send.order_key);
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
      shared_(options.waiting_for_share, options.longest_wait),
      places_(options.waiting, options.longest_wait),
      suspects_(options.waiting, options.longest_wait),
      shares_(options.in_flight),
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
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (owned_[slot].held && !named[slot]) {
      owned_[slot].held = false;
      window_.drop_slot(slot);
    }
  }
  give_up_waiting([this](const WaitingSend& one) { return !is_still_mine(one.entry); });
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
      co_await begin_waiting();
      co_await send_due();
      show_shares();
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
  give_up_waiting([](const WaitingSend&) { return true; });  // the next process finds these as they were
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
  if (!has_place() || !leases_are_good()) {  // what waits to run is begun when another has ended
    return options_.longest_sleep;           // the end of any of them wakes the loop, as its record and new leases do
  }
  SteadyTime::duration sleep = options_.longest_sleep;
  const auto limit = horizon();
  if (room_to_send() == 0) {
    sleep = std::min<SteadyTime::duration>(sleep, Shares::quick);  // then its host may be quick no more
  } else if (const auto due = window_.next_due(); due && (!limit || *due <= *limit)) {
    sleep = std::min<SteadyTime::duration>(sleep, *due - clock_.wall_now());
  }
  for (const auto* room : {&waiting_, &shared_}) {
    if (const auto next = room->next()) {
      sleep = std::min(sleep, *next - clock_.now());
    }
  }
  return sleep;
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
// the store cannot be written to, not more than `in_flight` and one batch are ever in doubt. Continuations have places
// of their own, so that long ones keep no message waiting.
bool Scheduler::has_place() const noexcept {
  return sending() < options_.in_flight && sending() + outcomes_.size() < options_.in_flight + options_.batch;
}

// How many of those that are due are read at once.
std::size_t Scheduler::room_to_send() const {
  if (!has_place()) {
    return 0;
  }
  return std::min({options_.in_flight - sending(), options_.batch,
                   options_.in_flight + options_.batch - sending() - outcomes_.size(), shares_.room(clock_.now())});
}

bool Scheduler::has_place_to_run() const noexcept {
  return running_ < options_.continuations && running_ + outcomes_.size() < options_.continuations + options_.batch;
}

awaitable<void> Scheduler::send_due() {
  while (!stopped_ && leases_are_good()) {
    const auto room = room_to_send();
    if (room == 0) {
      co_return;
    }
    const auto now = clock_.wall_now();
    auto entries = window_.take_due(std::min(now, horizon().value_or(now)), room);
    if (waits_for_room_ && has_room()) {
      load_timer_.cancel();
    }
    if (entries.empty()) {
      co_return;
    }
    // Counted from here on, so that `idle` knows of them while their records are read.
    for (auto& entry : entries) {
      enter_flight(entry);
      entry.epoch = owned_[entry.slot].lease.epoch;
    }
    auto sends = co_await fetch(entries);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!sends[i]) {
        continue;
      }
      if (sends[i]->send.handle.due > std::max(now, entries[i].due)) {
        hand_back(entries[i], sends[i]->send);
      } else {
        begin(entries[i], std::move(*sends[i]));
      }
    }
  }
}

// The records of entries that are in flight. One that is not there any more has ended with this.
awaitable<Scheduler::Fetched> Scheduler::fetch(std::vector<DueEntry> entries) {
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
  Fetched found(entries.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    const bool is_it = next < sends.size() && sends[next].handle.id == entry.id;
    if (is_it && sends[next].attempt == entry.attempt && sends[next].generation == entry.generation) {
      found[i].emplace(std::move(sends[next]));
    } else {
      ended(entry);  // cancelled, edited, or done already
      if (recent_.forget(entry)) {
        take_committed(entry);  // it came again while it was looked for: perhaps an edit that has failed
      }
    }
    next += is_it ? 1 : 0;
  }
  std::vector<FetchedSend*> due;
  for (auto& send : found) {
    if (send) {
      due.push_back(&*send);
    }
  }
  if (!due.empty()) {
    co_await sends_.bring_up_to_date(std::move(due));
  }
  co_return found;
}

// True when it is the first that is due.
bool Scheduler::take_committed(const DueEntry& entry) {
  if (const auto old = waits_as(entry)) {
    give_up_waiting([&](const WaitingSend& one) { return one.entry.id == entry.id; });
    if (recent_.forget(*old)) {
      take_committed(*old);  // it came again: perhaps the edit that this tells of has failed
    }
  }
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
    std::set<std::array<std::uint8_t, 16>> gone;
    for (const auto& handle : moved) {
      window_.forget_retry(handle.id);
      refused_.erase(handle.id);
      gone.insert(handle.id);
    }
    give_up_waiting([&](const WaitingSend& one) { return gone.contains(one.entry.id); });
    wake();
  });
}

}  // namespace tern::proactive
