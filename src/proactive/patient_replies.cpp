#include "proactive/patient_replies.hpp"

#include "async/describe_error.hpp"

#include <tern/async/log.hpp>
#include <tern/async/timer.hpp>

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <random>
#include <utility>

namespace tern::proactive {

namespace {

std::string new_request_id() {
  thread_local boost::uuids::random_generator_mt19937 ids;
  return boost::uuids::to_string(ids());
}

double random_share() {
  thread_local std::minstd_rand random{std::random_device()()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace

PatientReplies::PatientReplies(Clock& clock, Limiter& limiter, ScheduleFigures& figures, Metrics& metrics,
                               std::chrono::milliseconds patience, std::chrono::milliseconds longest_retry_after)
    : clock_(clock),
      limiter_(limiter),
      figures_(figures),
      retried_(metrics.counter("tern_reply_retries_total", "Replies of turns that were tried again.")),
      patience_(patience) {
  policy_.first_delay = std::chrono::milliseconds(250);
  policy_.longest_delay = std::chrono::milliseconds(4'000);
  policy_.longest_retry_after = longest_retry_after;
}

bool PatientReplies::is_free(std::string_view channel) const {
  const auto& limits = limiter_.limits().of(channel);
  return limits.conversation.empty() && limits.tenant.empty() && limits.bot.empty() && !limiter_.any_in_doubt();
}

// How long to wait before the next try; nullopt when there is none.
std::optional<SteadyTime::duration> PatientReplies::pause_before_next(const Reply& reply,
                                                                      const std::exception_ptr& failed) {
  const auto now = clock_.now();
  const auto verdict = policy_.judge_reply(failed, reply.tries, reply.scope, limiter_, now, random_share());
  if (verdict.frozen) {
    figures_.throttled(*verdict.frozen);
  }
  const bool is_in_time = verdict.kind == Verdict::Kind::retry && now + verdict.delay < reply.until;
  return is_in_time ? std::optional<SteadyTime::duration>(verdict.delay) : std::nullopt;
}

// False when they do not open in time: then the channel decides. It counts to them otherwise.
awaitable<bool> PatientReplies::wait_for_windows(Reply reply) {
  for (;;) {
    const auto now = clock_.now();
    const auto leave = limiter_.ask_for_reply(reply.scope, now);
    if (leave.at <= now) {
      co_return true;
    }
    if (leave.at >= reply.until) {
      co_return false;
    }
    co_await sleep_for(leave.at - now, clock_);
  }
}

awaitable<ResourceResponse> PatientReplies::carry(Address to, Try attempt, std::exception_ptr failed) {
  Reply reply{SendScope::of(to.channel, to.bot, to.tenant, to.conversation, limiter_.limits()),
              clock_.now() + patience_, failed ? 1U : 0U};
  const auto request_id = new_request_id();  // one for all tries of it
  for (;;) {
    if (failed) {
      const auto pause = pause_before_next(reply, failed);
      if (!pause) {
        std::rethrow_exception(failed);
      }
      retried_.inc();
      log::info("a reply is tried again",
                {{"reason", detail::describe(failed)},
                 {"in_ms", std::chrono::duration_cast<std::chrono::milliseconds>(*pause).count()}});
      co_await sleep_for(*pause, clock_);
      failed = nullptr;
    }
    const bool counts = co_await wait_for_windows(reply);
    ++reply.tries;
    ResourceResponse response;
    try {
      response = co_await attempt(request_id, Deadline::after(send_timeout_, clock_));
    } catch (...) {
      failed = std::current_exception();
    }
    if (counts) {
      limiter_.ended(reply.scope, clock_.now());
    }
    if (!failed) {
      limiter_.succeeded(reply.scope, clock_.now());
      co_return response;
    }
  }
}

}  // namespace tern::proactive
