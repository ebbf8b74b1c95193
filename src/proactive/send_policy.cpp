#include "proactive/send_policy.hpp"

#include <tern/turn/channel_sender.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cmath>

namespace tern::proactive {

namespace {

Verdict retry_verdict(const SendPolicy& policy, std::uint32_t attempt, double random,
                      std::optional<std::chrono::milliseconds> asked, bool ambiguous, std::string reason) {
  if (attempt >= policy.attempts) {
    Verdict verdict;
    verdict.kind = Verdict::Kind::dead;
    verdict.reason = "gave up after " + std::to_string(attempt) + " attempts: " + reason;
    return verdict;
  }
  Verdict verdict;
  verdict.ambiguous = ambiguous;
  verdict.reason = std::move(reason);
  // Full jitter: anything up to the doubled delay, so that those who failed together do not come back together.
  const double ceiling = std::min(static_cast<double>(policy.longest_delay.count()),
                                  static_cast<double>(policy.first_delay.count()) * std::pow(2.0, attempt - 1));
  verdict.delay = std::chrono::milliseconds(static_cast<std::int64_t>(ceiling * random) + 1);
  if (asked) {
    verdict.delay += *asked;  // never inside a Retry-After
  }
  return verdict;
}

Verdict dead_verdict(std::string reason) {
  Verdict verdict;
  verdict.kind = Verdict::Kind::dead;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict judge_status(const SendPolicy& policy, const ChannelError& error, std::uint32_t attempt, double random) {
  const int status = error.status();
  if (status == 429) {
    return retry_verdict(policy, attempt, random, error.retry_after(), false, "429");
  }
  if (may_have_arrived(status)) {
    return retry_verdict(policy, attempt, random, error.retry_after(), true, std::to_string(status));
  }
  if (status == 401) {
    return retry_verdict(policy, attempt, random, std::nullopt, false, "401");
  }
  if (status == 403 || status == 404) {
    auto verdict = dead_verdict(std::string(conversation_gone));
    verdict.may_mean_the_bot = status == 403;
    return verdict;
  }
  return dead_verdict("rejected with " + std::to_string(status));
}

}  // namespace

Verdict SendPolicy::judge(const std::exception_ptr& error, std::uint32_t attempt, double random) const {
  try {
    std::rethrow_exception(error);
  } catch (const ChannelError& e) {
    return judge_status(*this, e, attempt, random);
  } catch (const AmbiguousSend& e) {
    return retry_verdict(*this, attempt, random, std::nullopt, true, e.code().message());
  } catch (const system_error& e) {
    if (e.code() == errc::shutting_down || e.code() == asio::error::operation_aborted) {
      Verdict verdict;
      verdict.kind = Verdict::Kind::leave;
      return verdict;
    }
    if (e.code() == errc::service_url_refused || e.code() == errc::unknown_continuation ||
        e.code() == errc::invalid_argument) {
      return dead_verdict(e.what());
    }
    return retry_verdict(*this, attempt, random, std::nullopt, false, e.code().message());
  } catch (const std::exception& e) {
    return dead_verdict(e.what());
  } catch (...) {
    return dead_verdict("an exception of an unknown type");
  }
}

}  // namespace tern::proactive
