// What the scheduler does with one send that is due: the attempt, and what its end means.
#include "proactive/describe_error.hpp"
#include "proactive/scheduler.hpp"
#include "turn/annotations.hpp"

#include <tern/async/log.hpp>
#include <tern/turn/channel_sender.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

// A continuation that was begun so often, and never came to an end, is what ends the process.
constexpr std::uint16_t most_begun = 3;
// What a 429 without Retry-After is taken to ask for.
constexpr std::chrono::milliseconds unnamed_retry_after{1'000};

double seconds_between(WallTime from, WallTime to) {
  return std::chrono::duration<double>(to - from).count();
}

// The id of the activity whose turn scheduled it, as the log of that turn has it.
std::string trace(const ScheduledSend& send) {
  return detail::Annotations::trace_of(send.annotations);
}

double seconds(SteadyTime::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void Scheduler::begin(const DueEntry& entry, ScheduledSend send) {
  if (send.begun > 0 && send.kind == SendKind::continuation) {
    suspects_.emplace_back(entry, std::move(send));
    begin_suspect();
    return;
  }
  // A continuation sends what its turn decides, if anything.
  const bool limited = options_.limiter != nullptr && send.kind == SendKind::activity;
  const auto scope = limited ? options_.limiter->scope_of(send.reference) : SendScope();
  ReadySend ready{entry, std::move(send), scope, owned_[entry.slot].lease.epoch, clock_.now()};
  if (is_to_be_sent(ready) && may_go(ready)) {
    spawn_attempt(std::move(ready));
  }
}

void Scheduler::spawn_attempt(ReadySend ready) {
  asio::co_spawn(ex_, attempt(std::move(ready)), [](std::exception_ptr error) {
    if (error) {
      log::error("a scheduled send ended with an exception", {{"error", describe(error)}});
    }
  });
}

void Scheduler::begin_suspect() {
  if (suspects_.empty() || !solo_.try_enter()) {
    return;
  }
  auto [entry, send] = std::move(suspects_.front());
  suspects_.pop_front();
  asio::co_spawn(ex_, attempt_alone(entry, std::move(send)), [this](std::exception_ptr error) {
    if (error) {
      log::error("a scheduled continuation ended with an exception", {{"error", describe(error)}});
    }
    solo_.leave();
  });
}

awaitable<void> Scheduler::attempt_alone(DueEntry entry, ScheduledSend send) {
  figures_.suspects.inc();
  log::warn("a continuation that had begun when a process ended runs again, alone",
            {{"send", send.handle.to_string()}, {"activity", trace(send)}, {"begun", send.begun}});
  ReadySend ready{entry, std::move(send), {}, owned_[entry.slot].lease.epoch, clock_.now()};
  if (is_to_be_sent(ready)) {
    co_await attempt(std::move(ready));
  }
}

// False when it ended here, or is put off.
bool Scheduler::is_to_be_sent(const ReadySend& ready) {
  const auto& [entry, send, scope, epoch, since] = ready;
  const auto now = clock_.wall_now();
  if (send.expires && *send.expires < now) {
    figures_.expired.inc();
    SendOutcome outcome(SendOutcome::Kind::expired, send.handle, send.generation, owned_[entry.slot].lease);
    outcome.next = sends_.next_occurrence(send, now);
    auto note = sends_.note_of(send, outcome);
    record(std::move(outcome), entry, std::move(note));
    ended(entry);
    return false;
  }
  // The lease ran out, or the clock was set back, while its record was read. It was handed out by the store, which must
  // know that it was not begun: the lease may be renewed, and then it is handed out again.
  if (!lease_is_good(entry.slot) || now < entry.due) {
    postpone(entry, send, entry.due);
    return false;
  }
  if (const auto awake = sends_.not_before(send, now); awake > now) {
    postpone(entry, send, awake);
    return false;
  }
  if (send.begun > 0 && send.at_most_once) {
    bury(entry, send, "it may have arrived before the process ended, and was to arrive at most once");
    return false;
  }
  if (send.begun >= most_begun) {
    bury(entry, send, "it ended the process " + std::to_string(send.begun) + " times");
    return false;
  }
  return true;
}

awaitable<void> Scheduler::attempt(ReadySend ready) {
  const auto began = clock_.now();
  const auto& send = ready.send;
  figures_.late_by_scheduler.observe(
      std::max(0.0, seconds_between(ready.entry.due, clock_.wall_now()) - seconds(began - ready.since)));
  figures_.late_by_limiter.observe(seconds(began - ready.since));
  bool begun = true;
  bool late = false;  // while it was noted that it begins, the lease ran out or the clock was set back
  std::exception_ptr error;
  try {
    if (send.at_most_once || send.kind == SendKind::continuation) {
      begun = co_await note_begin(send, owned_[ready.entry.slot].lease);
      late = begun && (!lease_is_good(ready.entry.slot) || clock_.wall_now() < ready.entry.due);
    }
    if (begun && !late) {
      co_await sends_.execute(send);
    }
  } catch (...) {
    error = std::current_exception();
  }
  figures_.late_by_connector.observe(seconds(clock_.now() - began));
  if (ready.scope.limits != nullptr) {
    options_.limiter->ended(ready.scope, clock_.now());
  }
  if (!begun) {
    ended(ready.entry);
    co_return;
  }
  if (late) {
    postpone(ready.entry, send, ready.entry.due);  // refused if another has come, who knows that it may have begun
    co_return;
  }
  settle(std::move(ready), error);
}

// False when another owner has it, or it was cancelled.
awaitable<bool> Scheduler::note_begin(const ScheduledSend& send, const SlotLease& lease) {
  StoreChanges changes;
  changes.outcomes.emplace_back(SendOutcome::Kind::begin, send.handle, send.generation, lease);
  auto written = co_await storage_.write(std::move(changes), Deadline::after(options_.storage_timeout, clock_));
  co_return written.has_value() && written->refused.empty();
}

void Scheduler::settle(ReadySend ready, const std::exception_ptr& error) {
  if (error) {
    settle_failure(std::move(ready), error);
    return;
  }
  const auto& [entry, send, scope, epoch, since] = ready;
  if (scope.limits != nullptr) {
    options_.limiter->succeeded(scope, clock_.now());
  }
  figures_.sent.inc();
  SendOutcome outcome(SendOutcome::Kind::sent, send.handle, send.generation, owned_[entry.slot].lease);
  outcome.next = sends_.next_occurrence(send, clock_.wall_now());
  auto note = sends_.note_of(send, outcome);
  record(std::move(outcome), entry, std::move(note));
  ended(entry);
}

void Scheduler::settle_failure(ReadySend ready, const std::exception_ptr& error) {
  const auto& [entry, send, scope, epoch, since] = ready;
  if (const auto until = paused_by(scope, error)) {
    postpone(entry, send, *until);
    return;
  }
  const double random = static_cast<double>(random_() - std::minstd_rand::min()) /
                        static_cast<double>(std::minstd_rand::max() - std::minstd_rand::min());
  const auto verdict = options_.policy.judge(error, send.attempt + 1, random);
  if (verdict.kind == Verdict::Kind::leave) {
    ended(entry);
    return;
  }
  if (verdict.kind == Verdict::Kind::dead && verdict.may_mean_the_bot && scope.limits != nullptr) {
    if (stopped_) {
      postpone(entry, send, entry.due);  // the next process judges
    } else {
      suspend_judgement(std::move(ready), verdict.reason);
    }
    return;
  }
  if (verdict.kind == Verdict::Kind::dead) {
    bury(entry, send, verdict.reason);
    return;
  }
  if (verdict.ambiguous && send.at_most_once) {
    bury(entry, send, "it may have arrived, and was to arrive at most once: " + verdict.reason);
    return;
  }
  figures_.retried.inc();
  figures_.possible_duplicates.inc(verdict.ambiguous ? 1 : 0);
  log::info("a scheduled send is tried again", {{"send", send.handle.to_string()},
                                                {"activity", trace(send)},
                                                {"reason", verdict.reason},
                                                {"in_ms", verdict.delay.count()}});
  SendOutcome outcome(SendOutcome::Kind::retry, send.handle, send.generation, owned_[entry.slot].lease);
  outcome.attempt = send.attempt + 1;
  outcome.not_before = std::chrono::ceil<std::chrono::microseconds>(clock_.wall_now() + verdict.delay);
  // The key stays busy: a later send of the conversation does not overtake this one.
  left_flight(entry);
  record(std::move(outcome), entry);
}

// True when the send may go now. Otherwise it waits, in memory for a short time and in the store for a long one; no
// attempt is counted, and no place among those under way is taken.
bool Scheduler::may_go(ReadySend& ready) {
  if (ready.scope.limits == nullptr) {
    return true;
  }
  const auto now = clock_.now();
  auto leave = waiting_.held_by(ready.scope);
  if (!leave) {
    leave = options_.limiter->ask(ready.scope, now, clock_.wall_now() - ready.entry.due);
    if (leave->at <= now) {
      return true;
    }
  }
  const auto entry = ready.entry;
  if (const auto back = waiting_.enter(*leave, now, ready)) {
    figures_.late_by_limiter.observe(seconds(*back - now));
    postpone(entry, ready.send, clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(*back - now));
  } else {
    left_flight(entry);
  }
  return false;
}

// The limiter is asked again for those whose turn may have come, the one of each queue that has waited longest first.
void Scheduler::begin_waiting() {
  while (!stopped_ && in_flight_ < options_.in_flight && leases_are_good()) {
    const auto now = clock_.now();
    auto ready = waiting_.take(now);
    if (!ready) {
      break;
    }
    if (!is_still_mine(*ready)) {
      window_.release(ready->entry.order_hash);  // another owner may have sent it meanwhile
      continue;
    }
    enter_flight(ready->entry);
    if (!is_to_be_sent(*ready)) {
      continue;
    }
    const auto leave = options_.limiter->ask(ready->scope, now, clock_.wall_now() - ready->entry.due);
    if (leave.at > now) {
      left_flight(ready->entry);
      waiting_.enter_again(leave, std::move(*ready));
      continue;
    }
    spawn_attempt(std::move(*ready));
  }
  judge_suspended();
}

bool Scheduler::is_still_mine(const ReadySend& ready) const noexcept {
  const auto& owned = owned_[ready.entry.slot];
  return owned.held && owned.lease.epoch == ready.epoch;
}

// The slots went, or will soon: what waits is put back as it was, for whoever owns them next.
void Scheduler::give_up_waiting(SlotSet slots) {
  const auto put_back = [this](ReadySend& ready) {
    enter_flight(ready.entry);
    postpone(ready.entry, ready.send, ready.entry.due);
  };
  const auto is_of = [&](const ReadySend& ready) { return slots.test(ready.entry.slot); };
  waiting_.drop(is_of, put_back);
  for (auto at = suspended_.begin(); at != suspended_.end();) {
    if (is_of(at->second.ready)) {
      put_back(at->second.ready);
      at = suspended_.erase(at);
    } else {
      ++at;
    }
  }
}

// A refusal means this conversation, or the bot. Which of them shows within a while by what happens to others.
void Scheduler::suspend_judgement(ReadySend ready, std::string reason) {
  left_flight(ready.entry);
  suspended_.emplace(clock_.now() + Limiter::refusals_time, Suspended{std::move(ready), std::move(reason)});
}

void Scheduler::judge_suspended() {
  const auto now = clock_.now();
  while (!stopped_ && !suspended_.empty() && suspended_.begin()->first <= now) {
    const auto [ready, reason] = std::move(suspended_.extract(suspended_.begin()).mapped());
    if (!is_still_mine(ready)) {
      window_.release(ready.entry.order_hash);
      continue;
    }
    enter_flight(ready.entry);
    if (const auto until = options_.limiter->paused(ready.scope, now)) {
      postpone(ready.entry, ready.send,
               clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(*until - now));
    } else {
      bury(ready.entry, ready.send, reason);
    }
  }
}

void Scheduler::count_throttled(const SendScope& scope, std::chrono::milliseconds retry_after) {
  switch (options_.limiter->throttled(scope, clock_.now(), retry_after)) {
    case Limiter::Frozen::conversation:
      figures_.throttled_conversation.inc();
      return;
    case Limiter::Frozen::tenant:
      figures_.throttled_tenant.inc();
      return;
    case Limiter::Frozen::bot:
      figures_.throttled_bot.inc();
      return;
  }
}

// Tells the limiter of a failure. Set when the channel refuses the bot as a whole: nothing is wrong with the send then,
// which is tried again at that time.
std::optional<WallTime> Scheduler::paused_by(const SendScope& scope, const std::exception_ptr& error) {
  if (scope.limits == nullptr) {
    return std::nullopt;
  }
  try {
    std::rethrow_exception(error);
  } catch (const ChannelError& e) {
    if (e.status() == 429) {
      count_throttled(scope, e.retry_after().value_or(unnamed_retry_after));
    }
    if (e.status() != 401 && e.status() != 403) {
      return std::nullopt;
    }
    const auto now = clock_.now();
    const auto pause = options_.limiter->refused(scope, now);
    if (!pause) {
      return std::nullopt;
    }
    if (pause->begun) {
      log::error("the channel refuses this bot in many conversations: is its secret right? Its sends wait",
                 {{"status", e.status()},
                  {"seconds", std::chrono::duration_cast<std::chrono::seconds>(pause->until - now).count()}});
    }
    return clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(pause->until - now);
  } catch (...) {
    return std::nullopt;
  }
}

void Scheduler::bury(const DueEntry& entry, const ScheduledSend& send, std::string reason) {
  figures_.dead.inc();
  log::warn("a scheduled send is dead",
            {{"send", send.handle.to_string()}, {"activity", trace(send)}, {"reason", reason}});
  SendOutcome outcome(SendOutcome::Kind::dead, send.handle, send.generation, owned_[entry.slot].lease);
  outcome.attempt = send.attempt + 1;
  outcome.reason = std::move(reason);
  outcome.next = sends_.next_occurrence(send, clock_.wall_now());
  if (outcome.reason == conversation_gone) {
    sends_.on_conversation_gone(send);
  }
  auto note = sends_.note_of(send, outcome);
  record(std::move(outcome), entry, std::move(note));
  ended(entry);
}

// No attempt was made, so none is counted.
void Scheduler::postpone(const DueEntry& entry, const ScheduledSend& send, WallTime until) {
  SendOutcome outcome(SendOutcome::Kind::retry, send.handle, send.generation, owned_[entry.slot].lease);
  outcome.attempt = send.attempt;
  outcome.not_before = std::chrono::ceil<std::chrono::microseconds>(until);
  left_flight(entry);
  record(std::move(outcome), entry);
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
  wake_ = true;
  timer_.cancel();
  idle_timer_.cancel();
  quiet_timer_.cancel();
}

}  // namespace tern::proactive
