#include "proactive/schedule/scheduler.hpp"

#include "proactive/schedule/storage_failure.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace tern::proactive {

namespace {

SendGate::Options gate_options(const SchedulerOptions& options) {
  SendGate::Options gate;
  gate.places = options.in_flight;
  gate.waiting = options.waiting;
  gate.waiting_for_share = options.waiting_for_share;
  gate.longest_wait = options.longest_wait;
  gate.give_up_after = options.policy.give_up_after;
  return gate;
}

WindowLoader::Options loader_options(const SchedulerOptions& options, bool is_shared) {
  WindowLoader::Options loader;
  loader.window = options.window;
  loader.longest_pause = options.longest_sleep;
  loader.sweep = is_shared ? std::optional(options.sweep) : std::nullopt;
  return loader;
}

}  // namespace

Scheduler::Scheduler(executor ex, AnyStorage storage, SendExecutor& sends, Clock& clock, ScheduleFigures& figures,
                     SoloGate& solo, SchedulerOptions options)
    : ex_(ex),
      storage_(std::move(storage)),
      sends_(sends),
      clock_(clock),
      figures_(figures),
      shown_(figures),
      options_(options),
      timer_(clock, ex),
      load_timer_(clock, ex),
      slots_(clock),
      flight_({options.in_flight, options.continuations, options.batch}),
      window_(options.window_entries),
      loader_(window_, slots_, loader_options(options, storage_.traits().shared), clock.now()),
      gate_(options.limiter, gate_options(options)),
      runs_(flight_, options.continuations, options.waiting, options.longest_wait),
      suspects_(solo, options.waiting, options.longest_wait),
      rooms_{&gate_.limits_room(), &gate_.shares_room(), &runs_.room(), &suspects_.room()},
      endings_(ex, storage_, sends, clock, figures, {options.batch, options.storage_timeout},
               {window_, loader_, slots_, flight_}, *this),
      attempts_(ex, storage_, sends, clock, figures,
                {options.policy, options.limiter, options.waiting, options.storage_timeout},
                {slots_, gate_, runs_, endings_}) {
  solo.add_listener([this] { asio::post(ex_, [this] { begin_suspect(); }); });
}

Scheduler::~Scheduler() = default;

void Scheduler::own(const std::vector<SlotLease>& leases) {
  loader_.slots_changed(slots_.own(leases));
  give_up_waiting([this](const WaitingSend& one) { return !slots_.is_still_mine(one.entry); });
  load_timer_.cancel();
  wake();
}

void Scheduler::wake() noexcept {
  wake_ = true;
  timer_.cancel();
}

awaitable<void> Scheduler::run() {
  loader_runs_ = true;
  asio::co_spawn(ex_, load_ahead(), [this](std::exception_ptr error) {
    if (error) {
      log::error("the loader of the schedule ended with an exception", {{"error", detail::describe(error)}});
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
      if (loader_.begin_sweep(clock_.now(), clock_.wall_now())) {
        co_await sweep();
      }
      co_await begin_waiting();
      co_await send_due();
    } catch (...) {
      error = failure_of_storage();
    }
    if (error) {
      log_failure_of_storage(error);
      co_await timer_.wait_for(storage_pause);
      continue;
    }
    shown_.show(gate_.shares().open_hosts(), gate_.shares().open_tenants(), gate_.shares_room().size());
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
  attempts_.stop();
  give_up_waiting([](const WaitingSend&) { return true; });  // the next process finds these as they were
  timer_.cancel();
  load_timer_.cancel();
}

SteadyTime::duration Scheduler::time_to_sleep() {
  SteadyTime::duration sleep = options_.longest_sleep;
  if (flight_.room_to_send(endings_.unrecorded()) == 0 || !slots_.are_good()) {
    return sleep;  // the end of any of them wakes the loop, as its record and new leases do
  }
  const auto limit = loader_.horizon();
  if (room_to_send() == 0) {
    sleep = std::min<SteadyTime::duration>(sleep, Shares::quick);  // then its host may be quick no more
  } else if (const auto due = window_.next_due(); due && (!limit || *due <= *limit)) {
    sleep = std::min<SteadyTime::duration>(sleep, *due - clock_.wall_now());
  }
  if (const auto next = gate_.next()) {
    sleep = std::min(sleep, *next - clock_.now());
  }
  return sleep;
}

// True when it is the first that is due.
bool Scheduler::take_committed(const DueEntry& entry) {
  if (const auto old = waits_as(entry)) {
    give_up_waiting([&](const WaitingSend& one) { return one.entry.id == entry.id; });
    if (loader_.forget(*old)) {
      take_committed(*old);  // it came again: perhaps the edit that this tells of has failed
    }
  }
  const auto wakes = loader_.committed(entry, clock_.now());
  if (wakes == WindowLoader::Wake::loader) {
    load_timer_.cancel();
  }
  return wakes == WindowLoader::Wake::sender;
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
      attempts_.forget(handle);
      gone.insert(handle.id);
    }
    give_up_waiting([&](const WaitingSend& one) { return gone.contains(one.entry.id); });
    wake();
  });
}

}  // namespace tern::proactive
