#include "proactive/schedule/send_attempts.hpp"

#include "proactive/schedule/storage_failure.hpp"
#include "proactive/schedule/suspects.hpp"

#include <tern/async/log.hpp>
#include <tern/turn/channel_sender.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace tern::proactive {

namespace {

double seconds(SteadyTime::duration time) {
  return std::chrono::duration<double>(time).count();
}

double seconds_between(WallTime from, WallTime to) {
  return std::chrono::duration<double>(to - from).count();
}

bool runs_code(const ScheduledSend& send) noexcept {
  return send.kind == SendKind::continuation;
}

bool has_expired(const ScheduledSend& send, WallTime now) noexcept {
  return send.expires && *send.expires < now;
}

// The meaning of the end of an attempt for its host.
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

std::string_view words_for_pause(Verdict::Refusal refusal) noexcept {
  switch (refusal) {
    case Verdict::Refusal::unauthorized:
      return "the channel does not accept this bot's token: is its secret right? Its sends wait";
    case Verdict::Refusal::astray:
      return "sends reach something else than the channel: is there a gateway that fails? All of them wait";
    default:
      return "the channel refuses this bot in every conversation: may it still send there? Its sends wait";
  }
}

}  // namespace

SendAttempts::SendAttempts(executor ex, AnyStorage storage, SendExecutor& sends, Clock& clock, ScheduleFigures& figures,
                           const Options& options, const Parts& parts)
    : ex_(std::move(ex)),
      storage_(std::move(storage)),
      sends_(sends),
      questions_(sends),
      clock_(clock),
      figures_(figures),
      options_(options),
      parts_(parts),
      refused_(options.remembered),
      random_(static_cast<std::minstd_rand::result_type>(clock.now().time_since_epoch().count() | 1)) {}

bool SendAttempts::was_refused(const DueEntry& entry, const ScheduledSend& send) {
  using Kind = RefusedSends::Judgement::Kind;
  auto judgement = refused_.judge(entry, send, parts_.slots.is_still_mine(entry), options_.limiter, clock_.now());
  if (judgement.kind == Kind::wait) {
    const auto wait = std::chrono::duration_cast<WallTime::duration>(judgement.wait);
    parts_.endings.postponed(entry, send, clock_.wall_now() + wait);
  } else if (judgement.kind == Kind::dead) {
    parts_.endings.dead(entry, send, std::move(judgement.reason));
  }
  return judgement.kind != Kind::none;
}

bool SendAttempts::is_to_be_tried(const ReadySend& ready) {
  const auto& entry = ready.entry;
  const auto& send = ready.send;
  const auto now = clock_.wall_now();
  if (has_expired(send, now)) {
    parts_.endings.expired(entry, send);
    return false;
  }
  // The lease ran out, or the clock was set back, while its record was read. It was handed out by the store, which must
  // know that it was not begun: the lease may be renewed, and then it is handed out again.
  if (!may_be_written(entry) || now < entry.due) {
    parts_.endings.postponed(entry, send, entry.due);
    return false;
  }
  if (const auto when = questions_.not_before(send, now); when > now) {
    parts_.endings.postponed(entry, send, when);
    return false;
  }
  if (auto why = Suspects::verdict_on(send)) {
    parts_.endings.dead(entry, send, std::move(*why));
    return false;
  }
  return true;
}

void SendAttempts::begin(ReadySend ready) {
  asio::co_spawn(ex_, attempt(std::move(ready)), [](std::exception_ptr error) {
    if (error) {
      log::error("a scheduled send ended with an exception", {{"error", detail::describe(error)}});
    }
  });
}

awaitable<void> SendAttempts::attempt(ReadySend ready) {
  const auto began = clock_.now();
  figures_.late_by_scheduler.observe(
      std::max(0.0, seconds_between(ready.entry.due, clock_.wall_now()) - seconds(began - ready.since)));
  figures_.late_by_limiter.observe(seconds(began - ready.since));
  auto noted = Noted::yes;
  bool ran = false;
  std::exception_ptr error;
  try {
    if (ready.send.at_most_once || runs_code(ready.send)) {
      noted = co_await note_begin(ready);
    }
    if (noted == Noted::yes) {
      ran = true;
      std::function<bool()> may_begin = [this, &entry = ready.entry] { return may_be_written(entry); };
      co_await sends_.execute_if(ready.send, std::move(may_begin));
    }
  } catch (...) {
    error = std::current_exception();
  }
  has_ended(ready, clock_.now() - began, ran ? end_of(error) : Shares::End::unknown);
  if (noted == Noted::refused) {
    parts_.endings.gone(ready.entry);
  } else if (noted == Noted::late) {
    // The store refuses it if there is another owner, who knows that the send may have begun.
    parts_.endings.postponed(ready.entry, ready.send, ready.entry.due);
  } else if (error && !ran) {
    log_failure_of_storage(error);
    parts_.endings.postponed(ready.entry, ready.send, clock_.wall_now() + storage_pause);
  } else if (error) {
    failed(ready, error);
  } else {
    succeeded(ready);
  }
}

awaitable<SendAttempts::Noted> SendAttempts::note_begin(const ReadySend& ready) {
  const auto& send = ready.send;
  StoreChanges changes;
  changes.outcomes.emplace_back(SendOutcome::Kind::begin, send.handle, send.generation,
                                parts_.slots.lease_of(ready.entry));
  const auto by = Deadline::after(options_.storage_timeout, clock_);
  const auto written = co_await storage_.write(std::move(changes), by);
  if (!written.has_value() || !written->refused.empty()) {
    co_return Noted::refused;
  }
  const auto now = clock_.wall_now();
  const bool is_late = !may_be_written(ready.entry) || now < ready.entry.due || has_expired(send, now);
  co_return is_late ? Noted::late : Noted::yes;
}

// Asked right before a request is written, too: it may have waited for a connection for longer than the lease.
bool SendAttempts::may_be_written(const DueEntry& entry) const noexcept {
  return parts_.slots.is_still_mine(entry) && parts_.slots.is_good(entry.slot);
}

void SendAttempts::has_ended(const ReadySend& ready, SteadyTime::duration took, Shares::End end) {
  figures_.late_by_connector.observe(seconds(took));
  if (runs_code(ready.send)) {
    parts_.runs.ended(took);
  }
  tell_of(ready.scope, parts_.gate.ended(ready.scope, ready.went, clock_.now(), end));
}

void SendAttempts::withdraw(const SendScope& scope, SteadyTime went) {
  tell_of(scope, parts_.gate.withdrawn(scope, went, clock_.now()));
}

void SendAttempts::tell_of(const SendScope& scope, const SendShares::Change& change) {
  if (change.host.tried) {
    figures_.tries.inc();
  }
  const std::pair<const Shares::Change&, std::string_view> all[] = {{change.host, "host"}, {change.tenant, "tenant"}};
  for (const auto& [of, what] : all) {
    if (of.opened) {
      log::warn("scheduled sends are not answered; one at a time tries it from now on, and the others wait",
                {{"by", what}, {"host", parts_.gate.shares().name_of(scope.host)}});
    } else if (of.closed) {
      log::info("scheduled sends are answered again",
                {{"by", what}, {"host", parts_.gate.shares().name_of(scope.host)}});
    }
  }
}

void SendAttempts::succeeded(const ReadySend& ready) {
  if (parts_.gate.succeeded(ready.scope, clock_.now())) {
    log::info("the channel takes the sends of this bot again", {{"send", ready.send.handle.to_string()}});
  }
  parts_.endings.sent(ready.entry, ready.send);
}

void SendAttempts::failed(const ReadySend& ready, const std::exception_ptr& error) {
  const auto& entry = ready.entry;
  const auto& send = ready.send;
  const double random = static_cast<double>(random_() - std::minstd_rand::min()) /
                        static_cast<double>(std::minstd_rand::max() - std::minstd_rand::min());
  const auto now = clock_.wall_now();
  const FailedSend failure{send, ready.scope, error, now - send.handle.due, random};
  auto verdict = options_.policy.judge(failure, options_.limiter, clock_.now());
  tell_of(verdict);
  switch (verdict.kind) {
    case Verdict::Kind::retry:
      parts_.endings.retried(entry, send, verdict);
      return;
    case Verdict::Kind::postpone:
      parts_.endings.postponed(entry, send, now + verdict.delay);
      return;
    case Verdict::Kind::judge_later:
      judge_later(ready, std::move(verdict.reason));
      return;
    case Verdict::Kind::dead:
      parts_.endings.dead(entry, send, std::move(verdict.reason));
      return;
    case Verdict::Kind::leave:
      parts_.endings.gone(entry);
      return;
  }
}

void SendAttempts::judge_later(const ReadySend& ready, std::string reason) {
  const auto& entry = ready.entry;
  if (stopped_ || !parts_.slots.is_still_mine(entry)) {
    parts_.endings.postponed(entry, ready.send, entry.due);  // the next owner judges
    return;
  }
  refused_.remember(entry, ready.send.attempt, std::move(reason), clock_.now());
  parts_.endings.postponed(entry, ready.send, clock_.wall_now() + Limiter::refusals_time);
}

void SendAttempts::tell_of(const Verdict& verdict) {
  if (verdict.frozen) {
    figures_.throttled(*verdict.frozen);
  }
  figures_.refused_by_channel(verdict.refusal);
  if (verdict.pause && verdict.pause->begun) {
    figures_.pauses.inc();
    const auto rest = std::chrono::duration_cast<std::chrono::seconds>(verdict.pause->until - clock_.now());
    log::error(words_for_pause(verdict.refusal), {{"seconds", rest.count()}, {"reason", verdict.said}});
  }
}

}  // namespace tern::proactive
