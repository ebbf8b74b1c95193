// What the scheduler does with one send that is due: the attempt, and what its end means.
#include "proactive/describe_error.hpp"
#include "proactive/scheduler.hpp"

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
  asio::co_spawn(ex_, attempt(entry, std::move(send), scope), [](std::exception_ptr error) {
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
            {{"send", send.handle.to_string()}, {"begun", send.begun}});
  co_await attempt(entry, std::move(send), SendScope());
}

awaitable<void> Scheduler::attempt(DueEntry entry, ScheduledSend send, SendScope scope) {
  const auto now = clock_.wall_now();
  const auto lease = owned_[entry.slot].lease;
  if (send.expires && *send.expires < now) {
    figures_.expired.inc();
    SendOutcome outcome(SendOutcome::Kind::expired, send.handle, send.generation, lease);
    outcome.next = sends_.next_occurrence(send, now);
    record(std::move(outcome), entry);
    ended(entry);
    co_return;
  }
  // The lease ran out, or the clock was set back, while its record was read. It was handed out by the store, which must
  // know that it was not begun: the lease may be renewed, and then it is handed out again.
  if (!lease_is_good(entry.slot) || now < entry.due) {
    postpone(entry, send, entry.due);
    co_return;
  }
  if (const auto awake = sends_.not_before(send, now); awake > now) {
    postpone(entry, send, awake);
    co_return;
  }
  if (send.begun > 0 && send.at_most_once) {
    bury(entry, send, "it may have arrived before the process ended, and was to arrive at most once");
    co_return;
  }
  if (send.begun >= most_begun) {
    bury(entry, send, "it ended the process " + std::to_string(send.begun) + " times");
    co_return;
  }
  if (!may_go(entry, send, scope)) {
    co_return;
  }
  figures_.lateness.observe(seconds_between(entry.due, now));
  bool begun = true;
  std::exception_ptr error;
  try {
    if (send.at_most_once || send.kind == SendKind::continuation) {
      begun = co_await note_begin(send, lease);
    }
    if (begun) {
      co_await sends_.execute(send);
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (scope.limits != nullptr) {
    options_.limiter->ended(scope, clock_.now());
  }
  if (!begun) {
    ended(entry);
    co_return;
  }
  settle(entry, send, scope, error);
}

// False when another owner has it, or it was cancelled.
awaitable<bool> Scheduler::note_begin(const ScheduledSend& send, const SlotLease& lease) {
  StoreChanges changes;
  changes.outcomes.emplace_back(SendOutcome::Kind::begin, send.handle, send.generation, lease);
  auto written = co_await storage_.write(std::move(changes), Deadline::after(options_.storage_timeout, clock_));
  co_return written.has_value() && written->refused.empty();
}

void Scheduler::settle(const DueEntry& entry, const ScheduledSend& send, const SendScope& scope,
                       const std::exception_ptr& error) {
  if (error) {
    settle_failure(entry, send, scope, error);
    return;
  }
  if (scope.limits != nullptr) {
    options_.limiter->succeeded(scope);
  }
  figures_.sent.inc();
  SendOutcome outcome(SendOutcome::Kind::sent, send.handle, send.generation, owned_[entry.slot].lease);
  outcome.next = sends_.next_occurrence(send, clock_.wall_now());
  record(std::move(outcome), entry);
  ended(entry);
}

void Scheduler::settle_failure(const DueEntry& entry, const ScheduledSend& send, const SendScope& scope,
                               const std::exception_ptr& error) {
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
  log::info("a scheduled send is tried again",
            {{"send", send.handle.to_string()}, {"reason", verdict.reason}, {"in_ms", verdict.delay.count()}});
  SendOutcome outcome(SendOutcome::Kind::retry, send.handle, send.generation, owned_[entry.slot].lease);
  outcome.attempt = send.attempt + 1;
  outcome.not_before = std::chrono::ceil<std::chrono::microseconds>(clock_.wall_now() + verdict.delay);
  // The key stays busy: a later send of the conversation does not overtake this one.
  left_flight(entry);
  record(std::move(outcome), entry);
}

// True when the send may go now. Otherwise it waits, in memory for a short time and in the store for a long one.
bool Scheduler::may_go(const DueEntry& entry, ScheduledSend& send, const SendScope& scope) {
  if (scope.limits == nullptr) {
    return true;
  }
  if (stopped_) {
    ended(entry);
    return false;
  }
  const auto now = clock_.now();
  const auto at = options_.limiter->ask(scope, now, clock_.wall_now() - entry.due);
  if (at <= now) {
    return true;
  }
  if (at - now <= options_.longest_wait && waiting_.size() < options_.waiting) {
    Waiting waiting{entry, std::move(send), scope, owned_[entry.slot].lease.epoch};
    waiting_.emplace(at, std::move(waiting));
    --in_flight_;
    wake_ = true;
    timer_.cancel();
    idle_timer_.cancel();
    return false;
  }
  // Without room in memory, those that wait there are given the time to go.
  const auto delay = std::max<SteadyTime::duration>(at - now, options_.longest_wait);
  postpone(entry, send, clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(delay));
  return false;
}

// The limiter is asked again, those first that have waited longest.
void Scheduler::begin_waiting() {
  const auto now = clock_.now();
  while (in_flight_ < options_.in_flight && !waiting_.empty() && waiting_.begin()->first <= now) {
    auto waiting = std::move(waiting_.extract(waiting_.begin()).mapped());
    ++in_flight_;
    const auto& owned = owned_[waiting.entry.slot];
    if (!owned.held || owned.lease.epoch != waiting.epoch) {
      ended(waiting.entry);  // another owner may have sent it meanwhile
      continue;
    }
    asio::co_spawn(ex_, attempt(waiting.entry, std::move(waiting.send), waiting.scope), [](std::exception_ptr error) {
      if (error) {
        log::error("a scheduled send ended with an exception", {{"error", describe(error)}});
      }
    });
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
  log::warn("a scheduled send is dead", {{"send", send.handle.to_string()}, {"reason", reason}});
  SendOutcome outcome(SendOutcome::Kind::dead, send.handle, send.generation, owned_[entry.slot].lease);
  outcome.attempt = send.attempt + 1;
  outcome.reason = std::move(reason);
  outcome.next = sends_.next_occurrence(send, clock_.wall_now());
  record(std::move(outcome), entry);
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

void Scheduler::left_flight(const DueEntry& entry) noexcept {
  --in_flight_;
  --owned_[entry.slot].in_flight;
  wake_ = true;
  timer_.cancel();
  idle_timer_.cancel();
  quiet_timer_.cancel();
}

}  // namespace tern::proactive
