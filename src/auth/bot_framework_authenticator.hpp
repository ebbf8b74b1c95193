#pragma once

#include "auth/document_fetcher.hpp"
#include "auth/key_source.hpp"
#include "auth/token_rules.hpp"
#include "auth/verification_pool.hpp"
#include "auth/verified_tokens.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/turn/authenticator.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tern::auth {

/// How tokens are checked.
struct AuthenticatorOptions {
  TrustOptions trust;                       ///< whom the bots trust
  KeyTimes key_times;                       ///< when keys are fetched
  std::size_t kept_tokens = 4096;           ///< how many verified tokens are kept, 1 or more; each takes some 4 KiB
  std::size_t verifications_at_once = 1;    ///< how many threads verify signatures at once, 1 or more
  std::size_t verifications_waiting = 256;  ///< how many tokens wait for that, 1 or more; further ones are answered 503
};

/// Checks the bearer tokens of the Bot Framework and of Microsoft's tenants.
///
/// A token that was verified before costs a look-up, the first time on each thread with a SHA-256; what depends on the
/// activity is checked each time.
/// Another token goes through the checks that cost little: its form, issuer, audience, times, caller and the name of
/// its key. Only then is its signature verified, on a thread of its own (`VerificationPool`). So a flood of bad tokens
/// costs one thread at most, and no shard. A token whose time is up meanwhile is known when it comes again.
///
/// A token is known until it expires, and at most for `KeyTimes::refresh_after`; then it asks for its key again.
///
/// Answers: 401 when the token is not accepted; 403 when it is, and its caller may not send this activity; 503 when the
/// keys cannot be fetched, when too many tokens wait, or when the key of the token was unknown a short time ago and
/// the issuer is not asked again yet.
///
/// Lifetime: it outlives its coroutines; a context that is destroyed takes those on it along. The clock and the metrics
///   outlive it and the context of `home`, where a fetch that it has cancelled ends.
/// Thread safety: all functions from any thread.
class BotFrameworkAuthenticator final : public Authenticator {
 public:
  /// `home` runs one handler at a time, and has the fetches of keys.
  /// Errors: as for `TokenRules` and `KeySource`.
  BotFrameworkAuthenticator(AuthenticatorOptions options, executor home, std::shared_ptr<DocumentFetcher> fetcher,
                            Clock& clock, Metrics& metrics);
  ~BotFrameworkAuthenticator() override;

  Authentication authenticate(const InboundRequest& request) override;

  /// How many tokens are being verified or wait for that.
  std::size_t pending() const noexcept { return pool_.pending(); }

 private:
  struct Unverified;

  /// For a token that this thread does not keep.
  Authentication authenticate_stranger(std::string_view text, WallTime now, const InboundRequest& request);
  /// The token as it is kept; nullptr when its signature is not valid. On a thread of the pool.
  std::shared_ptr<const Verified> check(Unverified& token);
  AuthResult answer(const Verified& token, const InboundRequest& request) const;
  awaitable<AuthResult> finish(const InboundRequest& request, std::unique_ptr<Unverified> token);
  awaitable<AuthResult> verify(const InboundRequest& request, std::unique_ptr<Unverified> token);

  Clock& clock_;
  TokenRules rules_;
  std::vector<std::unique_ptr<KeySource>> sources_;  // in the order of the issuers
  const WallTime::duration keep_for_;                // how long a token is known
  VerifiedTokens known_;
  Counter valid_;
  Counter invalid_;
  Counter busy_;
  VerificationPool pool_;  // the last member: its threads use the others
};

}  // namespace tern::auth
