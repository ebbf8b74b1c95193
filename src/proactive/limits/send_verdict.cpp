// The meaning of the failure of a send or a reply, for it and for its bot.
#include "async/describe_error.hpp"
#include "proactive/limits/send_policy.hpp"
#include "runtime/continuation.hpp"

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

using Kind = Verdict::Kind;
using Refusal = Verdict::Refusal;

// The pause after a 429 without Retry-After.
constexpr std::chrono::milliseconds unnamed_retry_after{1'000};
// A reply that could not be connected is tried so often: its channel has just reached this bot, so it is there or soon
// will be.
constexpr std::uint32_t most_tries_of_reply = 4;
// The pause after a refusal by a process that is ending, so that it does not refuse the same send again and again.
constexpr std::chrono::milliseconds pause_of_refused{1'000};

bool is_continuation(const ScheduledSend& send) noexcept {
  return send.kind == SendKind::continuation;
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

// Whom a refusal means, as the limiter counts it.
Limiter::Refused meant_by(Refusal refusal) noexcept {
  return refusal == Refusal::unauthorized ? Limiter::Refused::bot
         : refusal == Refusal::astray     ? Limiter::Refused::way
                                          : Limiter::Refused::conversation;
}

// The questions that a refusal leaves open.
struct Doubt {
  bool about_bot = false;           // it may mean the bot, or the way to its channel
  bool about_conversation = false;  // whether it means the conversation shows later
};

// Tells the limiter the channel's answer, and notes in the verdict its meaning beyond this send.
Doubt tell(Limiter& limiter, const SendScope& scope, SteadyTime now, Verdict& verdict) {
  const auto refusal = verdict.refusal;
  if (refusal == Refusal::none) {
    return {};
  }
  if (refusal == Refusal::throttled) {
    verdict.frozen = limiter.throttled(scope, now, verdict.retry_after.value_or(unnamed_retry_after));
    return {};
  }
  verdict.pause = limiter.refused(scope, now, meant_by(refusal));
  if (verdict.pause && verdict.pause->begun) {
    verdict.said = verdict.reason;
  }
  Doubt doubt;
  doubt.about_bot = verdict.pause || (refusal != Refusal::unauthorized && limiter.in_doubt(scope, now));
  // A channel that names the conversation is believed at once, unless it says the same of several.
  doubt.about_conversation =
      refusal == Refusal::barred || (refusal == Refusal::gone && limiter.several_refused(scope, now));
  return doubt;
}

// The end of a verdict: its meaning for a send that may be done only once, or that runs code.
Verdict settled(Verdict verdict, const FailedSend& failed, const Doubt& doubt) {
  const auto& send = failed.send;
  if (is_continuation(send) && send.at_most_once && !is_known_not_to_have_begun(send, failed.error)) {
    verdict.kind = Kind::dead;  // nobody knows how far its handler had come
    verdict.reason = "its handler failed, and was to run at most once: " + detail::describe(failed.error);
  } else if (verdict.kind == Kind::leave && (send.at_most_once || is_continuation(send)) &&
             is_known_not_to_have_begun(send, failed.error)) {
    // It was noted to begin, and has not: without a word the next process would take it for one that may have arrived.
    verdict.kind = Kind::postpone;
    verdict.delay = pause_of_refused;
  } else if (verdict.kind == Kind::dead) {
    if (is_continuation(send) && verdict.reason == conversation_gone) {
      // It may have been one message that its handler wanted to change.
      verdict.reason = "the channel refused what its handler asked for: " + detail::describe(failed.error);
    }
    verdict.kind = doubt.about_conversation ? Kind::judge_later : Kind::dead;
  } else if (verdict.kind == Kind::retry && verdict.ambiguous && send.at_most_once) {
    verdict.kind = Kind::dead;
    verdict.reason = "it may have arrived, and was to arrive at most once: " + verdict.reason;
  }
  return verdict;
}

}  // namespace

Verdict SendPolicy::judge(const FailedSend& failed, Limiter* limiter, SteadyTime now) const {
  const auto& send = failed.send;
  const auto attempt = send.attempt + 1;
  const bool is_blamed_for_what_it_sent = is_continuation(send) && limiter != nullptr;
  const auto scope = is_blamed_for_what_it_sent ? limiter->scope_of(send.reference) : failed.scope;
  auto verdict = judge_alone(failed.error, attempt, failed.late, failed.random);
  auto doubt = scope.limits != nullptr ? tell(*limiter, scope, now, verdict) : Doubt();
  const bool is_astray = verdict.refusal == Refusal::astray;
  const bool was_given_up = is_astray && verdict.kind == Kind::dead;
  if ((doubt.about_bot && (is_continuation(send) || was_given_up || failed.late >= give_up_after)) ||
      (is_astray && is_continuation(send))) {
    // Counted, and less and less often: a handler may have sent something before it was refused, perhaps something that
    // concerns one message alone; and a channel may never serve the bot again.
    auto again = try_again(detail::describe(failed.error), is_continuation(send), attempt, failed.late, failed.random);
    verdict.kind = again.kind;
    verdict.delay = again.delay;
    verdict.ambiguous = again.ambiguous;
    verdict.reason = std::move(again.reason);
    doubt.about_conversation = false;
  } else if (verdict.pause) {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<SteadyTime::duration>(verdict.pause->until - now, Limiter::look_again));
    // What may have arrived is counted as well; and it does not go before the others.
    verdict.kind = verdict.ambiguous ? verdict.kind : Kind::postpone;
    verdict.delay = verdict.ambiguous ? std::max(verdict.delay, rest) : rest;
  }
  if (scope.limits == nullptr) {
    verdict.refusal = Refusal::none;  // it counts to nobody
  }
  return settled(std::move(verdict), failed, doubt);
}

Verdict SendPolicy::judge_reply(const std::exception_ptr& error, std::uint32_t tries, const SendScope& scope,
                                Limiter& limiter, SteadyTime now, double random) const {
  auto verdict = judge_alone(error, tries, WallTime::duration::zero(), random);
  const bool is_throttled = verdict.refusal == Refusal::throttled;
  const bool is_safe =
      verdict.kind == Kind::retry && !verdict.ambiguous && (is_throttled || verdict.refusal == Refusal::none);
  if (!is_safe || (!is_throttled && tries >= most_tries_of_reply)) {
    verdict.kind = Kind::dead;
    return verdict;
  }
  if (is_throttled) {
    verdict.delay += verdict.retry_after ? std::chrono::milliseconds(0) : unnamed_retry_after;
    tell(limiter, scope, now, verdict);
  }
  return verdict;
}

}  // namespace tern::proactive
