#include "proactive/send_policy.hpp"

#include <tern/turn/channel_sender.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cmath>

namespace tern::proactive {

namespace {

struct Attempt {
  std::uint32_t number;
  WallTime::duration late;
  double random;
};

Verdict dead_verdict(std::string reason) {
  Verdict verdict;
  verdict.kind = Verdict::Kind::dead;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict retry_verdict(const SendPolicy& policy, const Attempt& attempt, std::optional<std::chrono::milliseconds> asked,
                      bool ambiguous, std::string reason) {
  if (attempt.late >= policy.give_up_after && attempt.number >= policy.least_attempts) {
    auto verdict = dead_verdict("gave up after " + std::to_string(attempt.number) + " attempts: " + reason);
    verdict.retry_after = asked;
    return verdict;
  }
  Verdict verdict;
  verdict.ambiguous = ambiguous;
  verdict.reason = std::move(reason);
  // Full jitter: anything up to the doubled delay, so that those who failed together do not come back together.
  const auto longest = ambiguous ? policy.longest_ambiguous_delay : policy.longest_delay;
  const double ceiling = std::min(static_cast<double>(longest.count()),
                                  static_cast<double>(policy.first_delay.count()) * std::pow(2.0, attempt.number - 1));
  verdict.delay = std::chrono::milliseconds(static_cast<std::int64_t>(ceiling * attempt.random) + 1);
  verdict.retry_after = asked;
  if (asked) {
    verdict.delay += *asked;  // never inside a Retry-After
  }
  return verdict;
}

Verdict with(Verdict::Refusal refusal, Verdict verdict) {
  verdict.refusal = refusal;
  return verdict;
}

Verdict judge_status(const SendPolicy& policy, const ChannelError& error, const Attempt& attempt) {
  using Refusal = Verdict::Refusal;
  const int status = error.status();
  if (status == 429) {
    return with(Refusal::throttled, retry_verdict(policy, attempt, error.retry_after(), false, "429"));
  }
  if (may_have_arrived(status)) {
    return retry_verdict(policy, attempt, error.retry_after(), true, std::to_string(status));
  }
  if (status == 401) {
    return with(Refusal::unauthorized, retry_verdict(policy, attempt, std::nullopt, false, "401"));
  }
  if (status == 403) {
    return with(Refusal::barred, dead_verdict(std::string(conversation_gone)));
  }
  if (status == 404 || status == 410) {
    return dead_verdict(std::string(conversation_gone));
  }
  return dead_verdict("rejected with " + std::to_string(status));
}

}  // namespace

Verdict SendPolicy::try_again(std::string reason, bool ambiguous, std::uint32_t number, WallTime::duration late,
                              double random) const {
  return retry_verdict(*this, Attempt{number, late, random}, std::nullopt, ambiguous, std::move(reason));
}

Verdict SendPolicy::judge(const std::exception_ptr& error, std::uint32_t number, WallTime::duration late,
                          double random) const {
  const Attempt attempt{number, late, random};
  try {
    std::rethrow_exception(error);
  } catch (const ChannelError& e) {
    return judge_status(*this, e, attempt);
  } catch (const AmbiguousSend& e) {
    return retry_verdict(*this, attempt, std::nullopt, true, e.code().message());
  } catch (const system_error& e) {
    if (e.code() == errc::shutting_down) {
      Verdict verdict;
      verdict.kind = Verdict::Kind::leave;
      return verdict;
    }
    if (e.code() == asio::error::operation_aborted) {
      return retry_verdict(*this, attempt, std::nullopt, true, "it was cut");  // at any moment, by whom is not known
    }
    if (e.code() == errc::service_url_refused || e.code() == errc::unknown_continuation ||
        e.code() == errc::invalid_argument) {
      return dead_verdict(message_of(e));
    }
    return retry_verdict(*this, attempt, std::nullopt, false, e.code().message());
  } catch (const std::exception& e) {
    return dead_verdict(e.what());
  } catch (...) {
    return dead_verdict("an exception of an unknown type");
  }
}

}  // namespace tern::proactive
