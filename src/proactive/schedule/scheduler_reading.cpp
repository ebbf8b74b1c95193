// The scheduler's reads from the store: pages of its window, and the records of due sends.
#include "proactive/schedule/scheduler.hpp"
#include "proactive/schedule/storage_failure.hpp"

#include <tern/async/log.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

awaitable<void> Scheduler::load_ahead() {
  bool failing = false;
  while (!stopped_) {
    std::exception_ptr error;
    try {
      co_await load_pages();
      failing = false;
    } catch (...) {
      error = failure_of_storage();
    }
    if (error) {
      loader_.failed();
      if (!std::exchange(failing, true)) {
        log::warn("the schedule could not be loaded; it is asked again", {{"error", detail::describe(error)}});
      }
    }
    const auto pause = error ? storage_pause : loader_.pause(clock_.wall_now());
    if (!stopped_ && pause > SteadyTime::duration::zero()) {
      co_await load_timer_.wait_for(pause);
    }
  }
}

// Each load wakes the sender, though it may find nothing: sends that waited for the other pages may go, and the clock
// may have been stepped while it slept.
awaitable<void> Scheduler::load_pages() {
  if (loader_.pause(clock_.wall_now()) > SteadyTime::duration::zero()) {
    co_return;
  }
  while (!stopped_) {
    auto query = loader_.next_page(clock_.wall_now());
    if (!query) {
      break;
    }
    const auto page = co_await storage_.load_due(std::move(*query), storage_deadline());
    for (const auto& entry : loader_.loaded(page)) {
      take_committed(entry);
    }
    wake();
  }
  wake();
}

awaitable<void> Scheduler::sweep() {
  const auto now = clock_.wall_now();
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (slots_.holds(slot)) {
      const auto page = co_await storage_.load_due(loader_.overdue(slot, now), storage_deadline());
      loader_.swept(slot, page);
    }
  }
}

std::size_t Scheduler::room_to_send() const {
  const auto room = flight_.room_to_send(endings_.unrecorded());
  return room == 0 ? 0 : std::min(room, gate_.room(clock_.now()));
}

// Counted as under way from here on, so that `idle` knows of them while their records are read.
std::vector<DueEntry> Scheduler::take_due(WallTime now) {
  const auto room = room_to_send();
  if (room == 0) {
    return {};
  }
  auto entries = window_.take_due(std::min(now, loader_.horizon().value_or(now)), room);
  if (loader_.has_found_room()) {
    load_timer_.cancel();
  }
  for (auto& entry : entries) {
    flight_.enter(entry);
    entry.epoch = slots_.lease(entry.slot).epoch;
  }
  return entries;
}

awaitable<void> Scheduler::send_due() {
  while (!stopped_ && slots_.are_good()) {
    const auto now = clock_.wall_now();
    const auto entries = take_due(now);
    if (entries.empty()) {
      co_return;
    }
    auto sends = co_await fetch(entries);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!sends[i]) {
        continue;
      }
      if (sends[i]->send.handle.due > std::max(now, entries[i].due)) {
        endings_.handed_back(entries[i], sends[i]->send);
      } else {
        begin(entries[i], std::move(*sends[i]));
      }
    }
  }
}

void Scheduler::begin(const DueEntry& entry, FetchedSend fetched) {
  if (attempts_.was_refused(entry, fetched.send)) {
    return;
  }
  const auto scope = gate_.scope_of(fetched);
  ReadySend ready{entry, std::move(fetched.send), scope, clock_.now()};
  if (Suspects::is_one(ready.send)) {
    wait(suspects_.hold(clock_.now(), runs_.spacing(1)), ready);
    begin_suspect();
  } else if (attempts_.is_to_be_tried(ready) && may_go(ready)) {
    attempts_.begin(std::move(ready));
  }
}

// The records of entries that are in flight. One that is not there any more has ended with this.
awaitable<Scheduler::Fetched> Scheduler::fetch(std::vector<DueEntry> entries) {
  std::vector<ScheduledSend> sends;
  std::exception_ptr error;
  try {
    sends = co_await storage_.fetch(entries, storage_deadline());
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    for (const auto& entry : entries) {
      window_.retry(entry);
      endings_.left(entry);
    }
    std::rethrow_exception(error);
  }
  auto found = match(entries, std::move(sends));
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

Scheduler::Fetched Scheduler::match(const std::vector<DueEntry>& entries, std::vector<ScheduledSend> sends) {
  Fetched found(entries.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    const bool is_it = next < sends.size() && sends[next].handle.id == entry.id;
    if (is_it && sends[next].attempt == entry.attempt && sends[next].generation == entry.generation) {
      found[i].emplace(std::move(sends[next]));
    } else {
      endings_.gone(entry);  // cancelled, edited, or done already
      if (loader_.forget(entry)) {
        take_committed(entry);  // it came again while it was looked for: perhaps an edit that has failed
      }
    }
    next += is_it ? 1 : 0;
  }
  return found;
}

}  // namespace tern::proactive
