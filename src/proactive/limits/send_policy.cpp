// The meaning of an exception for one attempt. Its meaning for the bot is in send_verdict.cpp.
#include "proactive/limits/send_policy.hpp"

#include <tern/turn/channel_sender.hpp>
#include <tern/turn/credential_provider.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

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

// Full jitter: anything up to the doubled delay, so that sends that failed together do not come back together.
std::chrono::milliseconds jittered(const SendPolicy& policy, const Attempt& attempt) {
  const double ceiling = std::min(static_cast<double>(policy.longest_delay.count()),
                                  static_cast<double>(policy.first_delay.count()) * std::pow(2.0, attempt.number - 1));
  return std::chrono::milliseconds(static_cast<std::int64_t>(ceiling * attempt.random) + 1);
}

// From the second try on: each may be one message more to a person, so that it is later than any chance could make the
// one before. It is half fixed, and half jitter.
std::chrono::milliseconds delay_of_ambiguous(const SendPolicy& policy, const Attempt& attempt) {
  constexpr double growth = 4;
  const double ceiling =
      std::min(static_cast<double>(policy.longest_ambiguous_delay.count()),
               static_cast<double>(policy.second_ambiguous_delay.count()) * std::pow(growth, attempt.number - 2));
  return std::chrono::milliseconds(static_cast<std::int64_t>(ceiling / 2 * (1 + attempt.random)));
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
  verdict.delay = ambiguous && attempt.number > 1 ? delay_of_ambiguous(policy, attempt) : jittered(policy, attempt);
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

// Answers that a gateway, proxy or other stranger gives instead of the channel. Left out are statuses that are about
// the one message (its size, its type) or about the token, or that come from the channel's own program (500). A 400
// with an empty body is taken for the channel's: it is about the message.
constexpr bool may_be_of_the_way(int status, ChannelError::By by) noexcept {
  switch (status) {
    case 400:
      return by == ChannelError::By::stranger;
    case 403:
    case 404:
    case 405:
    case 406:
    case 407:
    case 410:
    case 421:
    case 451:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return (status >= 300 && status < 400) || (status >= 520 && status < 530);
  }
}

// The channel itself says so when it is asked in another region than the conversation's.
bool is_wrong_region(const ChannelError& error) {
  const auto& said = error.said();
  constexpr std::string_view word = "geo";
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto same = [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); };
  for (std::size_t i = 0; i + word.size() <= said.size(); ++i) {
    const bool here = std::equal(word.begin(), word.end(), said.begin() + static_cast<std::ptrdiff_t>(i), same);
    if (here && (i == 0 || !is_letter(said[i - 1])) && (i + word.size() == said.size() || !is_letter(said[i + 3]))) {
      return true;
    }
  }
  return false;
}

bool went_astray(const ChannelError& error) {
  const bool is_strange = error.by() != ChannelError::By::channel && may_be_of_the_way(error.status(), error.by());
  return is_strange || (error.status() == 400 && is_wrong_region(error));
}

std::string reason_of(int status) {
  return status == 403 || status == 404 || status == 410 ? std::string(conversation_gone)
                                                         : "rejected with " + std::to_string(status);
}

Verdict judge_astray(const SendPolicy& policy, const ChannelError& error, const Attempt& attempt,
                     std::optional<std::chrono::milliseconds> asked) {
  const int status = error.status();
  const bool ambiguous = may_have_arrived(status);
  if (!ambiguous && attempt.late >= policy.give_up_astray_after && attempt.number >= policy.least_attempts) {
    return dead_verdict(reason_of(status));
  }
  return retry_verdict(policy, attempt, asked, ambiguous, std::to_string(status) + ", and not by the channel");
}

Verdict judge_status(const SendPolicy& policy, const ChannelError& error, const Attempt& attempt) {
  using Refusal = Verdict::Refusal;
  const int status = error.status();
  auto asked = error.retry_after();
  if (asked) {
    asked = std::clamp(*asked, std::chrono::milliseconds(0), policy.longest_retry_after);
  }
  if (status == 429) {
    return with(Refusal::throttled, retry_verdict(policy, attempt, asked, false, "429"));
  }
  if (went_astray(error)) {
    return with(Refusal::astray, judge_astray(policy, error, attempt, asked));
  }
  if (may_have_arrived(status)) {
    return retry_verdict(policy, attempt, asked, true, std::to_string(status));
  }
  if (status == 401) {
    return with(Refusal::unauthorized, retry_verdict(policy, attempt, std::nullopt, false, "401"));
  }
  if (status == 403) {
    return with(Refusal::barred, dead_verdict(reason_of(status)));
  }
  if (status == 404 || status == 410) {
    return with(Refusal::gone, dead_verdict(reason_of(status)));
  }
  return dead_verdict(reason_of(status));
}

// Nothing was sent. A token service that refuses the bot's credentials means the whole bot, as a channel's 401 does:
// the credentials can be corrected, and the sends then go.
Verdict judge_without_token(const SendPolicy& policy, const NoToken& error, const Attempt& attempt) {
  auto verdict = retry_verdict(policy, attempt, std::nullopt, false, error.what());
  const bool is_refused = error.why() == NoToken::Why::refused;
  return is_refused ? with(Verdict::Refusal::unauthorized, std::move(verdict)) : verdict;
}

}  // namespace

Verdict SendPolicy::try_again(std::string reason, bool ambiguous, std::uint32_t number, WallTime::duration late,
                              double random) const {
  return retry_verdict(*this, Attempt{number, late, random}, std::nullopt, ambiguous, std::move(reason));
}

Verdict SendPolicy::judge_alone(const std::exception_ptr& error, std::uint32_t number, WallTime::duration late,
                                double random) const {
  const Attempt attempt{number, late, random};
  try {
    std::rethrow_exception(error);
  } catch (const ChannelError& e) {
    return judge_status(*this, e, attempt);
  } catch (const AmbiguousSend& e) {
    return retry_verdict(*this, attempt, std::nullopt, true, e.code().message());
  } catch (const NoToken& e) {
    return judge_without_token(*this, e, attempt);
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
    // A name may lead to a wrong address for a while, so it is tried again; whoever looks for the reason needs the
    // name.
    auto reason = e.code() == errc::address_refused ? message_of(e) : e.code().message();
    return retry_verdict(*this, attempt, std::nullopt, false, std::move(reason));
  } catch (const std::exception& e) {
    return dead_verdict(e.what());
  } catch (...) {
    return dead_verdict("an exception of an unknown type");
  }
}

}  // namespace tern::proactive
