// What the scheduler does with sends that are due and must wait: for the limiter, for a share of the places, for a
// place to run, or to run alone.
#include "proactive/describe_error.hpp"
#include "proactive/schedule/scheduler.hpp"
#include "turn/annotations.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

// What all in a room wait for that is no conversation, tenant or bot.
constexpr std::uint64_t place = 1;
// What waits for a place comes back from the store after this time at the latest: how long others run is a guess.
constexpr std::chrono::seconds longest_away{60};

}  // namespace

// It takes no place among those under way meanwhile, and the store may let it be cancelled or moved.
void Scheduler::wait(WaitingRoom& room, const Limiter::Leave& leave, const ReadySend& ready) {
  const auto now = clock_.now();
  auto back = room.enter(leave, now, WaitingSend{ready.entry, ready.scope, ready.since});
  if (!back) {
    storage_.put_back({ready.entry});
    left_flight(ready.entry);
    return;
  }
  if (&room == &waiting_ || &room == &shared_) {
    figures_.late_by_limiter.observe(std::chrono::duration<double>(*back - now).count());
  } else {
    back = std::min(*back, now + longest_away);
  }
  postpone(ready.entry, ready.send, clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(*back - now));
}

void Scheduler::suspect(const ReadySend& ready) {
  wait(suspects_, {clock_.now(), place, run_spacing(1)}, ready);
  begin_suspect();
}

void Scheduler::begin_suspect() {
  if (stopped_ || suspects_.size() == 0 || !solo_.try_enter()) {
    return;
  }
  const auto waiting = *suspects_.take(SteadyTime::max());
  enter_flight(waiting.entry);
  asio::co_spawn(ex_, attempt_alone(waiting), [this](std::exception_ptr error) {
    if (error) {
      log::error("a scheduled continuation ended with an exception", {{"error", describe(error)}});
    }
    solo_.leave();
  });
}

awaitable<void> Scheduler::attempt_alone(WaitingSend waiting) {
  Fetched found;
  try {
    found = co_await fetch({waiting.entry});
  } catch (const system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      throw;
    }
    log::warn("the schedule's storage failed; it is asked again", {{"error", describe(std::current_exception())}});
    co_return;
  }
  if (!found[0]) {
    co_return;
  }
  ReadySend ready{waiting.entry, std::move(found[0]->send), waiting.scope, waiting.since};
  if (!is_to_be_sent(ready)) {
    co_return;
  }
  figures_.suspects.inc();
  log::warn("a continuation that had begun when a process ended runs again, alone",
            {{"send", ready.send.handle.to_string()},
             {"activity", detail::Annotations::trace_of(ready.send.annotations)},
             {"begun", ready.send.begun}});
  ++running_;
  co_await attempt(std::move(ready));
}

// How far apart continuations end, as it was lately.
SteadyTime::duration Scheduler::run_spacing(std::size_t places) const noexcept {
  const auto spacing = usual_run_ / static_cast<SteadyTime::rep>(std::max<std::size_t>(1, places));
  return std::max<SteadyTime::duration>(spacing, std::chrono::microseconds(100));
}

void Scheduler::has_run(SteadyTime::duration took) noexcept {
  --running_;
  usual_run_ += (took - usual_run_) / 4;
}

// True when the continuation may run now.
bool Scheduler::may_run(const ReadySend& ready) {
  if (places_.size() == 0 && has_place_to_run()) {
    ++running_;
    return true;
  }
  wait(places_, {clock_.now(), place, run_spacing(options_.continuations)}, ready);
  return false;
}

SendScope Scheduler::scope_of(const FetchedSend& fetched) {
  if (options_.limiter == nullptr || !fetched.ids) {
    return {};
  }
  auto scope = SendScope::of(*fetched.ids, options_.limiter->limits());
  const auto url = fetched.ids->service_url();
  scope.host = url.empty() ? 0 : shares_.number_of(url);
  return scope;
}

// True when the send may go now. Otherwise it waits, in memory for a short time and in the store for a long one; no
// attempt is counted.
bool Scheduler::may_go(ReadySend& ready) {
  if (ready.scope.limits == nullptr) {
    return true;
  }
  const auto now = clock_.now();
  std::optional<Hold> hold;
  for (auto* room : {&shared_, &waiting_}) {
    if (const auto leave = room->held_by(ready.scope); leave && !hold) {
      hold = Hold{room, *leave};
    }
  }
  hold = hold ? hold : ask_to_go(ready.scope, ready.entry, now);
  if (!hold) {
    ready.went = now;
    return true;
  }
  if (is_lost(ready, *hold)) {
    bury(ready.entry, ready.send,
         "gave up after " + std::to_string(ready.send.attempt) + " attempts: its host has not answered any for long");
  } else {
    wait(*hold->room, hold->leave, ready);
  }
  return false;
}

// A host that answers nothing is tried with one send at a time: most are never tried, and are not kept for ever.
bool Scheduler::is_lost(const ReadySend& ready, const Hold& hold) const {
  return hold.room == &shared_ && hold.leave.in_doubt &&
         clock_.wall_now() - ready.send.handle.due >= options_.policy.give_up_after &&
         shares_.is_lost(ready.scope.host);
}

// Nothing when it may go: then it has its place, and counts to the limits.
std::optional<Scheduler::Hold> Scheduler::ask_to_go(const SendScope& scope, const DueEntry& entry, SteadyTime now) {
  const auto share = shares_.ask(scope, now);
  if (share.at > now) {
    return Hold{&shared_, share};
  }
  const auto leave = options_.limiter->ask(scope, now, clock_.wall_now() - entry.due);
  if (leave.at > now) {
    return Hold{&waiting_, leave};
  }
  shares_.begun(scope, now);
  return std::nullopt;
}

// What waits for such a place asks again, with the next turn of the loop.
void Scheduler::leave_share(const SendScope& scope, SteadyTime went, Shares::End end) {
  if (scope.host == 0) {
    return;
  }
  const auto now = clock_.now();
  tell_of(scope, shares_.ended(scope, went, now, end));
  if (shared_.size() > 0) {
    for (const auto freed : shares_.freed_by(scope)) {
      shared_.wake(freed, now);
    }
  }
}

void Scheduler::tell_of(const SendScope& scope, const SendShares::Change& change) {
  figures_.tries.inc(change.host.tried ? 1 : 0);
  const std::pair<const Shares::Change&, std::string_view> all[] = {{change.host, "host"}, {change.tenant, "tenant"}};
  for (const auto& [of, what] : all) {
    if (of.opened) {
      log::warn("scheduled sends are not answered; one at a time tries it from now on, and the others wait",
                {{"by", what}, {"host", shares_.name_of(scope.host)}});
    } else if (of.closed) {
      log::info("scheduled sends are answered again", {{"by", what}, {"host", shares_.name_of(scope.host)}});
    }
  }
}

void Scheduler::show_shares() {
  const auto show = [](Gauge& gauge, std::size_t& shown, std::size_t now) {
    if (shown != now) {
      gauge.add(static_cast<double>(now) - static_cast<double>(shown));
      shown = now;
    }
  };
  show(figures_.open_hosts, shown_.hosts, shares_.open_hosts());
  show(figures_.open_tenants, shown_.tenants, shares_.open_tenants());
  show(figures_.waiting_for_share, shown_.waiting, shared_.size());
}

// Those whose turn has come, which have their place from here on. It is asked again for the one of each queue that has
// waited longest first.
std::vector<Scheduler::Let> Scheduler::take_waiting() {
  std::vector<Let> let;
  while (has_place_to_run() && let.size() < options_.batch) {
    const auto next = places_.take(SteadyTime::max());
    if (!next) {
      break;
    }
    ++running_;
    enter_flight(next->entry);
    let.push_back({*next, true});
  }
  take_from(waiting_, let);
  take_from(shared_, let);
  return let;
}

void Scheduler::take_from(WaitingRoom& room, std::vector<Let>& let) {
  const auto now = clock_.now();
  while (has_place() && let.size() < options_.batch) {
    const auto next = room.take(now);
    if (!next) {
      break;
    }
    if (const auto hold = ask_to_go(next->scope, next->entry, now)) {
      hold->room->enter_again(hold->leave, *next);
      continue;
    }
    enter_flight(next->entry);
    let.push_back({*next, false, now});
  }
}

awaitable<void> Scheduler::begin_waiting() {
  while (!stopped_ && leases_are_good()) {
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
  const auto scope = waiting.scope.host != 0 ? scope_of(fetched) : waiting.scope;
  ReadySend ready{waiting.entry, std::move(fetched.send), waiting.scope, waiting.since, let.went};
  if (!is_to_be_sent(ready)) {
    return false;
  }
  if (waiting.scope.host != 0) {
    if (scope.host != waiting.scope.host) {
      withdraw(let);
      ready.scope = scope;
      if (may_go(ready)) {
        spawn_attempt(std::move(ready));
      }
      return true;
    }
  }
  spawn_attempt(std::move(ready));
  return true;
}

// Its turn had come, and it does not go.
void Scheduler::withdraw(const Let& let) {
  if (let.runs_code) {
    --running_;
  } else {
    const auto& scope = let.send.scope;
    options_.limiter->withdrawn(scope);
    leave_share(scope, let.went, Shares::End::unknown);
    for (const auto freed : {scope.conversation, scope.tenant, scope.bot}) {
      waiting_.wake(freed, clock_.now());
    }
  }
}

// In the store they are as they were.
void Scheduler::give_up_waiting(const std::function<bool(const WaitingSend&)>& is_so) {
  for (auto* room : {&waiting_, &shared_, &places_, &suspects_}) {
    room->drop(is_so, [this](const WaitingSend& one) { window_.release(one.entry.order_hash); });
  }
}

// The entry of a send that waits here and has moved, of which `entry` tells.
std::optional<DueEntry> Scheduler::waits_as(const DueEntry& entry) const {
  for (const auto* room : {&waiting_, &shared_, &places_, &suspects_}) {
    const auto* waiting = room->find(entry.id);
    if (waiting != nullptr && waiting->generation < entry.generation) {
      return *waiting;
    }
  }
  return std::nullopt;
}

}  // namespace tern::proactive
