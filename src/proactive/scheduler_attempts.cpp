// What the scheduler does with one send that is due: the attempt, and what its end means.
#include "proactive/describe_error.hpp"
#include "proactive/scheduler.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>

#include <utility>

namespace tern::proactive {

namespace {

// A continuation that was begun so often, and never came to an end, is what ends the process.
constexpr std::uint16_t most_begun = 3;

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
  asio::co_spawn(ex_, attempt(entry, std::move(send)), [](std::exception_ptr error) {
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
  co_await attempt(entry, std::move(send));
}

awaitable<void> Scheduler::attempt(DueEntry entry, ScheduledSend send) {
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
  figures_.lateness.observe(seconds_between(entry.due, now));
  std::exception_ptr error;
  try {
    if (send.at_most_once || send.kind == SendKind::continuation) {
      if (!co_await note_begin(send, lease)) {
        ended(entry);
        co_return;
      }
    }
    co_await sends_.execute(send);
  } catch (...) {
    error = std::current_exception();
  }
  settle(entry, send, error);
}

// False when another owner has it, or it was cancelled.
awaitable<bool> Scheduler::note_begin(const ScheduledSend& send, const SlotLease& lease) {
  StoreChanges changes;
  changes.outcomes.emplace_back(SendOutcome::Kind::begin, send.handle, send.generation, lease);
  auto written = co_await storage_.write(std::move(changes), Deadline::after(options_.storage_timeout, clock_));
  co_return written.has_value() && written->refused.empty();
}

void Scheduler::settle(const DueEntry& entry, const ScheduledSend& send, const std::exception_ptr& error) {
  if (error) {
    settle_failure(entry, send, error);
    return;
  }
  figures_.sent.inc();
  SendOutcome outcome(SendOutcome::Kind::sent, send.handle, send.generation, owned_[entry.slot].lease);
  outcome.next = sends_.next_occurrence(send, clock_.wall_now());
  record(std::move(outcome), entry);
  ended(entry);
}

void Scheduler::settle_failure(const DueEntry& entry, const ScheduledSend& send, const std::exception_ptr& error) {
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
