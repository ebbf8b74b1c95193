#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>
#include <tern/error.hpp>
#include <tern/turn/credential_provider.hpp>

#include <memory>
#include <optional>
#include <string>

namespace tern::auth {

/// A token that a token service has made.
struct FreshToken {
  std::shared_ptr<const AccessToken> token;      ///< not null
  SteadyTime::duration lifetime;                 ///< positive
  std::optional<SteadyTime::duration> renew_in;  ///< when the service wants it to be renewed
};

/// Why there is no token. The message has no secret.
struct TokenFailure {
  NoToken::Why why = NoToken::Why::unavailable;
  std::string message;                              ///< what was wrong, where, and what to do
  std::optional<SteadyTime::duration> retry_after;  ///< what the service asked for
};

/// Gets tokens from a token service.
///
/// Thread safety: used on the executor of the `TokenSource` only.
class TokenFetcher {
 public:
  virtual ~TokenFetcher() = default;

  /// A new token for `scope`.
  /// Cancellation: terminal cancellation ends it.
  /// Errors: an exception counts as a failure for now; its message is logged, so it has no secret.
  virtual awaitable<boost::system::result<FreshToken, TokenFailure>> fetch(std::string scope, Deadline by) = 0;
};

}  // namespace tern::auth
