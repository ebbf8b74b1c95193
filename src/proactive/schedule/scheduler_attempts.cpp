// What the scheduler does with one send that is due: the attempt, and what its end means.
#include "proactive/describe_error.hpp"
#include "proactive/schedule/scheduler.hpp"
#include "runtime/continuation.hpp"
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
constexpr std::chrono::milliseconds storage_pause{250};
// What a 429 without Retry-After is taken to ask for.
constexpr std::chrono::milliseconds unnamed_retry_after{1'000};

double seconds_between(WallTime from, WallTime to) {
  return std::chrono::duration<double>(to - from).count();
}

// The id of the activity whose turn scheduled it, as the log of that turn has it.
std::string trace(const ScheduledSend& send) {
  return detail::Annotations::trace_of(send.annotations);
}

// Whether nothing of it has happened: a turn was refused, or the connector begins no request any more.
bool is_known_not_to_have_begun(const ScheduledSend& send, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const runtime::NotBegun&) {
    return true;
  } catch (const system_error& e) {
    return send.kind == SendKind::activity && e.code() == errc::shutting_down;
  } catch (...) {
    return false;
  }
}

// What the end of an attempt says of its host.
Shares::End end_of(const std::exception_ptr& error) {
  if (!error) {
    return Shares::End::answered;
  }
  try {
    std::rethrow_exception(error);
  } catch (const ChannelError&) {
    return Shares::End::answered;
  } catch (const system_error& e) {
    const bool is_silent = e.code() == errc::timed_out || e.code() == errc::channel_unreachable;
    return is_silent ? Shares::End::unanswered : Shares::End::unknown;
  } catch (...) {
    return Shares::End::unknown;
  }
}

double seconds(SteadyTime::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void Scheduler::begin(const DueEntry& entry, FetchedSend fetched) {
  auto& send = fetched.send;
  if (is_judged(entry, send)) {
    return;
  }
  const bool runs_code = send.kind == SendKind::continuation;
  // A continuation sends what its turn decides, if anything.
  const auto scope = runs_code ? SendScope() : scope_of(fetched);
  ReadySend ready{entry, std::move(send), scope, clock_.now()};
  if (runs_code && ready.send.begun > 0) {
    suspect(ready);
    return;
  }
  if (is_to_be_sent(ready) && (runs_code ? may_run(ready) : may_go(ready))) {
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

// False when it ended here, or is put off.
bool Scheduler::is_to_be_sent(const ReadySend& ready) {
  const auto& [entry, send, scope, since, went] = ready;
  const auto now = clock_.wall_now();
  if (send.expires && *send.expires < now) {
    figures_.expired.inc();
    log::info("a scheduled send has expired", {{"send", send.handle.to_string()}, {"activity", trace(send)}});
    SendOutcome outcome(SendOutcome::Kind::expired, send.handle, send.generation, lease_of(entry));
    set_next(outcome, send);
    auto note = note_of(send, outcome);
    record(std::move(outcome), entry, std::move(note));
    ended(entry);
    return false;
  }
  // The lease ran out, or the clock was set back, while its record was read. It was handed out by the store, which must
  // know that it was not begun: the lease may be renewed, and then it is handed out again.
  if (!is_still_mine(entry) || !lease_is_good(entry.slot) || now < entry.due) {
    postpone(entry, send, entry.due);
    return false;
  }
  if (const auto when = awake(send, now); when > now) {
    postpone(entry, send, when);
    return false;
  }
  if (send.begun > 0 && send.at_most_once) {
    bury(entry, send, "it may have arrived before the process ended, and was to arrive at most once");
    return false;
  }
  if (send.begun >= most_begun && send.kind == SendKind::continuation) {
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
  bool ran = false;
  bool late = false;  // while it was noted that it begins, the lease ran out, it expired, or the clock was set back
  std::exception_ptr error;
  try {
    if (send.at_most_once || send.kind == SendKind::continuation) {
      begun = co_await note_begin(send, lease_of(ready.entry));
      late = begun && (!is_still_mine(ready.entry) || !lease_is_good(ready.entry.slot) ||
                       clock_.wall_now() < ready.entry.due || (send.expires && *send.expires < clock_.wall_now()));
    }
    if (begun && !late) {
      ran = true;
      std::function<bool()> may_begin = [this, &entry = ready.entry] { return may_be_written(entry); };
      co_await sends_.execute_if(send, std::move(may_begin));
    }
  } catch (...) {
    error = std::current_exception();
  }
  const auto took = clock_.now() - began;
  figures_.late_by_connector.observe(seconds(took));
  if (send.kind == SendKind::continuation) {
    has_run(took);
  }
  if (ready.scope.limits != nullptr) {
    options_.limiter->ended(ready.scope, clock_.now());
  }
  leave_share(ready.scope, ready.went, ran ? end_of(error) : Shares::End::unknown);
  if (!begun) {
    ended(ready.entry);
    co_return;
  }
  if (late) {
    postpone(ready.entry, send, ready.entry.due);  // refused if another has come, who knows that it may have begun
    co_return;
  }
  if (error && !ran) {
    log::warn("the schedule's storage failed; it is asked again", {{"error", describe(error)}});
    postpone(ready.entry, send, clock_.wall_now() + storage_pause);
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
  const auto& [entry, send, scope, since, went] = ready;
  if (scope.limits != nullptr && options_.limiter->succeeded(scope, clock_.now())) {
    log::info("the channel takes the sends of this bot again", {{"send", send.handle.to_string()}});
    waiting_.wake(scope.bot, clock_.now());
  }
  figures_.sent.inc();
  SendOutcome outcome(SendOutcome::Kind::sent, send.handle, send.generation, lease_of(entry));
  set_next(outcome, send);
  auto note = note_of(send, outcome);
  record(std::move(outcome), entry, std::move(note));
  ended(entry);
}

// Whose bot the channel refuses. A continuation takes no place in the limits, but what it sends may be refused as well.
SendScope Scheduler::scope_to_blame(const ReadySend& ready) const {
  const bool runs_code = ready.send.kind == SendKind::continuation && options_.limiter != nullptr;
  return runs_code ? options_.limiter->scope_of(ready.send.reference) : ready.scope;
}

void Scheduler::settle_failure(ReadySend ready, const std::exception_ptr& error) {
  ready.scope = scope_to_blame(ready);
  const auto& [entry, send, scope, since, went] = ready;
  const double random = static_cast<double>(random_() - std::minstd_rand::min()) /
                        static_cast<double>(std::minstd_rand::max() - std::minstd_rand::min());
  const auto late = clock_.wall_now() - send.handle.due;
  auto verdict = options_.policy.judge(error, send.attempt + 1, late, random);
  const bool runs_code = send.kind == SendKind::continuation;
  auto until = paused_by(scope, verdict);
  const bool may_mean_the_bot =
      until || (may_mean_more(scope, verdict) && options_.limiter->in_doubt(scope, clock_.now()));
  const bool is_astray = verdict.refusal == Verdict::Refusal::astray;
  const bool was_given_up = is_astray && verdict.kind == Verdict::Kind::dead;
  if ((may_mean_the_bot && (runs_code || was_given_up || late >= options_.policy.give_up_after)) ||
      (is_astray && runs_code)) {
    // Counted, and less and less often: a handler may have sent something before it was refused, perhaps something that
    // concerns one message alone; and a channel may never serve the bot again.
    verdict = options_.policy.try_again(describe(error), runs_code, send.attempt + 1, late, random);
    until.reset();
  } else if (until && verdict.ambiguous) {
    // Counted as well, since it may have arrived; and not before the others.
    verdict.delay = std::max(verdict.delay, std::chrono::ceil<std::chrono::milliseconds>(*until - clock_.wall_now()));
    until.reset();
  }
  if (send.at_most_once && send.kind == SendKind::continuation && !is_known_not_to_have_begun(send, error)) {
    // What its handler had done by then, nobody knows.
    bury(entry, send, "its handler failed, and was to run at most once: " + describe(error));
    return;
  }
  if (until) {
    postpone(entry, send, *until);
    return;
  }
  if (verdict.kind == Verdict::Kind::leave) {
    leave_to_next_process(entry, send, error);
    return;
  }
  if (send.kind == SendKind::continuation && verdict.reason == conversation_gone) {
    // It may have been one message that its handler wanted to change.
    verdict.reason = "the channel refused what its handler asked for: " + describe(error);
  }
  if (is_to_be_judged_later(scope, verdict)) {
    suspend_judgement(entry, send, std::move(verdict.reason));
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
  SendOutcome outcome(SendOutcome::Kind::retry, send.handle, send.generation, lease_of(entry));
  outcome.attempt = send.attempt + 1;
  outcome.not_before = std::chrono::ceil<std::chrono::microseconds>(clock_.wall_now() + verdict.delay);
  // The key stays busy: a later send of the conversation does not overtake this one.
  left_flight(entry);
  record(std::move(outcome), entry);
}

// The process ends. What was noted to begin and was refused before it did has not begun: without a word the next
// process would take it for one that may have arrived.
void Scheduler::leave_to_next_process(const DueEntry& entry, const ScheduledSend& send,
                                      const std::exception_ptr& error) {
  const bool was_noted = send.at_most_once || send.kind == SendKind::continuation;
  if (was_noted && is_known_not_to_have_begun(send, error)) {
    postpone(entry, send, clock_.wall_now() + std::chrono::seconds(1));  // not to be refused again and again
  } else {
    ended(entry);
  }
}

// Asked right before a request is written: it may have waited for a connection for longer than the lease.
bool Scheduler::may_be_written(const DueEntry& entry) const noexcept {
  return is_still_mine(entry) && lease_is_good(entry.slot);
}

// False also when the slot went and came back: another owner may have had the send meanwhile, and what this one says of
// it must not count.
bool Scheduler::is_still_mine(const DueEntry& entry) const noexcept {
  const auto& owned = owned_[entry.slot];
  return owned.held && owned.lease.epoch == entry.epoch;
}

// The lease under which its record was fetched.
SlotLease Scheduler::lease_of(const DueEntry& entry) const noexcept {
  auto lease = owned_[entry.slot].lease;
  lease.epoch = entry.epoch;
  return lease;
}

// Whether it may be about the bot or the way to its channel as well as about the conversation.
bool Scheduler::may_mean_more(const SendScope& scope, const Verdict& verdict) const noexcept {
  using Refusal = Verdict::Refusal;
  const auto refusal = verdict.refusal;
  return scope.limits != nullptr &&
         (refusal == Refusal::barred || refusal == Refusal::gone || refusal == Refusal::astray);
}

// A channel that names the conversation is believed at once, unless it says the same of several.
bool Scheduler::is_to_be_judged_later(const SendScope& scope, const Verdict& verdict) const {
  using Refusal = Verdict::Refusal;
  if (scope.limits == nullptr || verdict.kind != Verdict::Kind::dead) {
    return false;
  }
  return verdict.refusal == Refusal::barred ||
         (verdict.refusal == Refusal::gone && options_.limiter->several_refused(scope, clock_.now()));
}

// Tells the limiter what the channel has said. Set when it refuses the bot as a whole: nothing is wrong with the send
// then, which is tried again at that time.
std::optional<WallTime> Scheduler::paused_by(const SendScope& scope, const Verdict& verdict) {
  using Refusal = Verdict::Refusal;
  if (scope.limits == nullptr || verdict.refusal == Refusal::none) {
    return std::nullopt;
  }
  const auto now = clock_.now();
  if (verdict.refusal == Refusal::throttled) {
    figures_.throttled(options_.limiter->throttled(scope, now, verdict.retry_after.value_or(unnamed_retry_after)));
    return std::nullopt;
  }
  figures_.refused_by_channel(verdict.refusal);
  const bool is_secret = verdict.refusal == Refusal::unauthorized;
  const bool is_astray = verdict.refusal == Refusal::astray;
  const auto pause = options_.limiter->refused(scope, now,
                                               is_secret   ? Limiter::Refused::bot
                                               : is_astray ? Limiter::Refused::way
                                                           : Limiter::Refused::conversation);
  if (!pause) {
    return std::nullopt;
  }
  if (pause->begun) {
    figures_.pauses.inc();
    log::error(is_secret ? "the channel does not accept this bot's token: is its secret right? Its sends wait"
               : is_astray
                   ? "sends reach something else than the channel: is there a gateway that fails? All of them wait"
                   : "the channel refuses this bot in every conversation: may it still send there? Its sends wait",
               {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(pause->until - now).count()},
                {"reason", verdict.reason}});
  }
  const auto wait = std::min<SteadyTime::duration>(pause->until - now, Limiter::look_again);
  return clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(wait);
}

}  // namespace tern::proactive
