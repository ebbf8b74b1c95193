// The scheduler's treatment of due sends that must wait: for the limiter, for a share of the places, for a place to
// run, or to run alone.
#include "proactive/schedule/scheduler.hpp"
#include "proactive/schedule/storage_failure.hpp"
#include "turn/annotations.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tern::proactive {

// True when it has its place. Otherwise it waits; no attempt is counted.
bool Scheduler::may_go(ReadySend& ready) {
  const auto now = clock_.now();
  const bool runs_code = ready.send.kind == SendKind::continuation;
  const auto hold = runs_code ? runs_.ask(endings_.unrecorded(), now) : gate_.ask(ready, now, clock_.wall_now());
  if (!hold) {
    ready.went = now;
    return true;
  }
  if (hold->is_lost) {
    endings_.dead(
        ready.entry, ready.send,
        "gave up after " + std::to_string(ready.send.attempt) + " attempts: its host has not answered any for long");
  } else {
    wait(*hold, ready);
  }
  return false;
}

// A send waits in memory for a short time, and in the store for a long one. Meanwhile it takes no place among the
// sends under way, and the store may let it be cancelled or moved.
void Scheduler::wait(const Hold& hold, const ReadySend& ready) {
  const auto now = clock_.now();
  const auto back = hold.room->enter(hold.leave, now, WaitingSend{ready.entry, ready.scope, ready.since});
  if (!back) {
    storage_.put_back({ready.entry});
    endings_.left(ready.entry);
    return;
  }
  if (hold.room->is_for_limits()) {
    figures_.late_by_limiter.observe(std::chrono::duration<double>(*back - now).count());
  }
  endings_.postponed(ready.entry, ready.send,
                     clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(*back - now));
}

// The sends whose turn has come; they have their places from here on.
std::vector<Scheduler::Let> Scheduler::take_waiting() {
  std::vector<Let> let;
  const auto take = [&](const WaitingSend& next, bool runs_code, SteadyTime went) {
    flight_.enter(next.entry);
    let.push_back({next, runs_code, went});
  };
  while (let.size() < options_.batch) {
    const auto next = runs_.take(endings_.unrecorded());
    if (!next) {
      break;
    }
    take(*next, true, {});
  }
  while (let.size() < options_.batch && flight_.room_to_send(endings_.unrecorded()) > 0) {
    const auto now = clock_.now();
    const auto next = gate_.take(now, clock_.wall_now());
    if (!next) {
      break;
    }
    take(*next, false, now);
  }
  return let;
}

awaitable<void> Scheduler::begin_waiting() {
  while (!stopped_ && slots_.are_good()) {
    const auto let = take_waiting();
    if (let.empty()) {
      co_return;
    }
    std::vector<DueEntry> entries;
    std::transform(let.begin(), let.end(), std::back_inserter(entries), [](const Let& one) { return one.send.entry; });
    Fetched found(let.size());
    std::exception_ptr error;
    try {
      found = co_await fetch(std::move(entries));
    } catch (...) {
      error = std::current_exception();
    }
    for (std::size_t i = 0; i < let.size(); ++i) {
      if (!found[i] || !goes_on(let[i], std::move(*found[i]))) {
        withdraw(let[i]);
      }
    }
    if (error) {
      std::rethrow_exception(error);
    }
  }
}

// False when it does not go. One whose conversation has another address by now asks anew.
bool Scheduler::goes_on(const Let& let, FetchedSend fetched) {
  const auto& waiting = let.send;
  const bool has_host = waiting.scope.host != 0;
  const auto scope = has_host ? gate_.scope_of(fetched) : waiting.scope;
  ReadySend ready{waiting.entry, std::move(fetched.send), waiting.scope, waiting.since, let.went};
  if (!attempts_.is_to_be_tried(ready)) {
    return false;
  }
  if (has_host && scope.host != waiting.scope.host) {
    withdraw(let);
    ready.scope = scope;
    if (!may_go(ready)) {
      return true;
    }
  }
  attempts_.begin(std::move(ready));
  return true;
}

// Its turn had come, and it does not go.
void Scheduler::withdraw(const Let& let) {
  if (let.runs_code) {
    runs_.withdrawn();
  } else {
    attempts_.withdraw(let.send.scope, let.went);
  }
}

void Scheduler::begin_suspect() {
  if (stopped_) {
    return;
  }
  const auto waiting = suspects_.begin();
  if (!waiting) {
    return;
  }
  flight_.enter(waiting->entry);
  asio::co_spawn(ex_, attempt_alone(*waiting), [this](std::exception_ptr error) {
    if (error) {
      log::error("a scheduled continuation ended with an exception", {{"error", detail::describe(error)}});
    }
    suspects_.ended();
  });
}

awaitable<void> Scheduler::attempt_alone(WaitingSend waiting) {
  Fetched found;
  std::exception_ptr error;
  try {
    found = co_await fetch({waiting.entry});
  } catch (...) {
    error = failure_of_storage();
  }
  if (error) {
    log_failure_of_storage(error);
    co_return;
  }
  if (!found[0]) {
    co_return;
  }
  ReadySend ready{waiting.entry, std::move(found[0]->send), waiting.scope, waiting.since};
  if (!attempts_.is_to_be_tried(ready)) {
    co_return;
  }
  figures_.suspects.inc();
  log::warn("a continuation that had begun when a process ended runs again, alone",
            {{"send", ready.send.handle.to_string()},
             {"activity", detail::Annotations::trace_of(ready.send.annotations)},
             {"begun", ready.send.begun}});
  runs_.begin();
  co_await attempts_.attempt(std::move(ready));
}

// In the store they are as they were.
void Scheduler::give_up_waiting(const std::function<bool(const WaitingSend&)>& is_so) {
  for (auto* room : rooms_) {
    room->drop(is_so, [this](const WaitingSend& one) { window_.release(one.entry.order_hash); });
  }
}

// The entry of a send that waits here and has moved, of which `entry` tells.
std::optional<DueEntry> Scheduler::waits_as(const DueEntry& entry) const {
  for (const auto* room : rooms_) {
    const auto* waiting = room->find(entry.id);
    if (waiting != nullptr && waiting->generation < entry.generation) {
      return *waiting;
    }
  }
  return std::nullopt;
}

}  // namespace tern::proactive
