#pragma once

#include "auth/token_fetcher.hpp"
#include "auth/token_schedule.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/turn/credential_provider.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace tern::auth {

/// How a token is got.
struct TokenSourceOptions {
  std::string scope;                                                     ///< what the token is for
  std::chrono::milliseconds request_timeout = std::chrono::seconds(10);  ///< for a request to the token service
  std::size_t most_waiting = 10'000;  ///< how many sends wait for a request; further ones have no token
  TokenTimes times;                   ///< when the token service is asked
};

/// The tokens of one bot for one scope. The first send asks for a token, and a later one for another before it expires,
/// by the rules of `TokenSchedule`. One request is under way at a time, and all sends that need it wait for it.
///
/// Lifetime: it outlives its coroutines; a context that is destroyed takes those on it along. A request that is under
///   way when it is destroyed is cancelled and ends on `home`, so the clock and the metrics outlive it and that
///   context.
/// Thread safety: all functions from any thread. A token that is there costs a mutex, for less than a microsecond.
class TokenSource {
 public:
  /// `home` runs one handler at a time, and has the requests.
  TokenSource(TokenSourceOptions options, executor home, std::shared_ptr<TokenFetcher> fetcher, Clock& clock,
              Metrics& metrics);
  ~TokenSource();
  TokenSource(const TokenSource&) = delete;
  TokenSource& operator=(const TokenSource&) = delete;

  /// The token. Errors: `NoToken`, from the function or from the coroutine.
  TokenAnswer token();
  /// See `CredentialProvider::refused`.
  bool refused(const std::shared_ptr<const AccessToken>& token);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tern::auth
