#include "auth/bot_framework_authenticator.hpp"

#include "http/ascii.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tern::auth {

namespace {

using Answer = KeySchedule::Answer;

AuthRefusal no_keys() {
  return AuthRefusal::unavailable("The keys of the token's issuer cannot be fetched now. Send it again.",
                                  std::chrono::seconds(5));
}

/// A key that was not among those of the issuer a short time ago. It may have been added since: an issuer that had to
/// change its key in a hurry signs with the new one at once. So the token is not refused for good.
AuthRefusal asked_already(SteadyTime::duration later) {
  constexpr std::chrono::seconds longest = std::chrono::minutes(5);
  return AuthRefusal::unavailable(
      "The issuer of the token had no such key a short time ago. Send it again.",
      std::clamp(std::chrono::ceil<std::chrono::seconds>(later), std::chrono::seconds(1), longest));
}

/// Why there is no key; nullopt when there is one, or one is waited for.
std::optional<AuthRefusal> refuse_without_key(const KeySource::Found& found) {
  switch (found.answer) {
    case Answer::use:
    case Answer::wait:
      return std::nullopt;
    case Answer::unknown:
      return refuse_token("is signed with a key that its issuer does not have");
    case Answer::later:
      return asked_already(found.later);
    case Answer::unavailable:
      break;
  }
  return no_keys();
}

AuthRefusal too_many() {
  return AuthRefusal::unavailable("Too many tokens are being checked. Send it again.");
}

/// The token of a request; nullopt when it has none.
/// Source: RFC 6750, section 2.1; RFC 9110, section 11.1: the name of the scheme is in any case.
std::optional<std::string_view> bearer_of(const InboundRequest& request) noexcept {
  constexpr std::string_view scheme = "Bearer ";
  const auto header = request.header("Authorization");
  if (!header || header->size() <= scheme.size() || !http::same_text(header->substr(0, scheme.size()), scheme)) {
    return std::nullopt;
  }
  std::string_view token = header->substr(scheme.size());
  while (token.starts_with(' ')) {
    token.remove_prefix(1);
  }
  return token.empty() ? std::nullopt : std::optional(token);
}

}  // namespace

/// A token on its way to be verified.
struct BotFrameworkAuthenticator::Unverified {
  TokenDigest digest;
  Jwt token;  // its view is not used
  std::string signed_part;
  Claimed claimed;
  std::shared_ptr<const SigningKey> key;
  Answer key_answer;
};

BotFrameworkAuthenticator::BotFrameworkAuthenticator(AuthenticatorOptions options, executor home,
                                                     std::shared_ptr<DocumentFetcher> fetcher, Clock& clock,
                                                     Metrics& metrics)
    : clock_(clock),
      rules_(std::move(options.trust)),
      keep_for_(std::chrono::duration_cast<WallTime::duration>(options.key_times.refresh_after)),
      known_(options.kept_tokens),
      pool_(options.verifications_at_once, options.verifications_waiting, clock) {
  for (const Issuer& issuer : rules_.issuers()) {
    KeySourceOptions source;
    source.metadata_url = issuer.metadata_url;
    source.issuer = issuer.name;
    source.tenant = issuer.tenant;
    source.allow_http = issuer.metadata_url.starts_with("http:");  // whoever serves it so may serve its keys so
    source.times = options.key_times;
    sources_.push_back(std::make_unique<KeySource>(std::move(source), home, fetcher, clock, metrics));
  }
  const auto figure = [&](const char* outcome) {
    return metrics.counter("tern_auth_verifications_total", "Tokens that were not known, by what their signature was.",
                           {{"outcome", outcome}});
  };
  valid_ = figure("valid");
  invalid_ = figure("invalid");
  busy_ = figure("busy");
}

BotFrameworkAuthenticator::~BotFrameworkAuthenticator() = default;

Authentication BotFrameworkAuthenticator::authenticate(const InboundRequest& request) {
  const auto text = bearer_of(request);
  if (!text) {
    return AuthRefusal::unauthorized("This bot is called with a bearer token. The request has none.");
  }
  if (text->size() > max_token_size) {
    return refuse_token("is too long");
  }
  const WallTime now = clock_.wall_now();
  if (const auto known = known_.find_own(*text, now)) {
    // As `answer`, without two more objects: almost every turn ends here.
    if (const char* why = rules_.judge(*known, request.activity())) {
      return AuthRefusal::forbidden(why);
    }
    return known->identity;
  }
  return authenticate_stranger(*text, now, request);
}

// Not a part of `authenticate`, which each turn runs.
Authentication BotFrameworkAuthenticator::authenticate_stranger(std::string_view text, WallTime now,
                                                                const InboundRequest& request) {
  const TokenDigest digest = digest_of(text);
  if (const auto known = known_.find(digest, now)) {
    return answer(*known_.keep_own(text, *known), request);
  }
  auto token = parse_jwt(text);
  if (!token) {
    return refuse_token(token.error().why);
  }
  auto claimed = rules_.read(*token, now);
  if (!claimed) {
    return refuse_token(claimed.error().why);
  }
  auto found = sources_[claimed->issuer]->find(token->key_id);
  if (auto refusal = refuse_without_key(found)) {
    return std::move(*refusal);
  }
  std::string signed_part(token->signed_part);
  return finish(request,
                std::make_unique<Unverified>(Unverified{digest, std::move(*token), std::move(signed_part),
                                                        std::move(*claimed), std::move(found.key), found.answer}));
}

AuthResult BotFrameworkAuthenticator::answer(const Verified& token, const InboundRequest& request) const {
  if (const char* why = rules_.judge(token, request.activity())) {
    return AuthRefusal::forbidden(why);
  }
  return token.identity;
}

awaitable<AuthResult> BotFrameworkAuthenticator::finish(const InboundRequest& request,
                                                        std::unique_ptr<Unverified> token) {
  if (token->key_answer == Answer::wait) {
    auto found = co_await sources_[token->claimed.issuer]->wait_for(token->token.key_id);
    if (auto refusal = refuse_without_key(found)) {
      co_return std::move(*refusal);
    }
    token->key = std::move(found.key);
  }
  if (!token->key->allows(token->token.algorithm)) {
    co_return refuse_token("is signed with an algorithm that its key is not for");
  }
  auto result = co_await verify(request, std::move(token));
  co_return result;
}

awaitable<AuthResult> BotFrameworkAuthenticator::verify(const InboundRequest& request,
                                                        std::unique_ptr<Unverified> token) {
  // The work may outlive this frame, and owns what it uses beside the authenticator.
  const auto found = std::make_shared<std::shared_ptr<const Verified>>();
  const std::shared_ptr<Unverified> unverified(std::move(token));
  auto work = pool_.run([this, unverified, found] { *found = check(*unverified); }, request.deadline());
  const auto outcome = co_await std::move(work);
  if (outcome != VerificationPool::Outcome::done) {
    busy_.inc();
    co_return too_many();
  }
  if (!*found) {
    co_return refuse_token("has a signature that is not that of its issuer");
  }
  co_return answer(**found, request);
}

std::shared_ptr<const Verified> BotFrameworkAuthenticator::check(Unverified& token) {
  // Another request may have brought the same token meanwhile.
  if (auto known = known_.find(token.digest, clock_.wall_now())) {
    return known;
  }
  if (!token.key->verify(token.token.algorithm, token.signed_part, token.token.signature)) {
    invalid_.inc();
    return nullptr;
  }
  valid_.inc();
  auto made = rules_.verified(std::move(token.claimed), std::move(token.token.claims), std::move(token.key));
  // So it asks for its key again from time to time, and a key that was withdrawn is found out without other tokens.
  made.expires = std::min(made.expires, clock_.wall_now() + keep_for_);
  auto verified = std::make_shared<const Verified>(std::move(made));
  known_.insert(token.digest, verified);
  return verified;
}

}  // namespace tern::auth
