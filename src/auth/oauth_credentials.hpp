#pragma once

#include "auth/token_grant.hpp"
#include "auth/token_source.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/turn/credential_provider.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tern::auth {

/// How a bot gets its tokens.
struct OAuthOptions {
  std::string scope;        ///< for the services of channels, such as `https://api.botframework.com/.default`
  std::string ca_file;      ///< see `HttpClientOptions`
  std::string nameservers;  ///< see `HttpClientOptions`
  std::size_t scopes =
      64;  ///< how many other scopes tokens are kept for, 1 or more; there is no token for further ones
  std::chrono::milliseconds request_timeout = std::chrono::seconds(10);  ///< for a request to the token service
  TokenTimes times;                                                      ///< when the token service is asked
};

/// Asks a token service over HTTP: the certificate is verified, no redirect is followed, and an answer of more than 64
/// KiB is an error. The proxies that the environment names are used, unless the service is local.
///
/// Lifetime: it outlives the requests, and the io_context of `home` should not outlive it. The clock outlives it.
/// Errors: as for `HttpClient`.
std::shared_ptr<TokenFetcher> oauth_fetcher(const OAuthOptions& options, std::unique_ptr<TokenGrant> grant,
                                            Clock& clock);

/// The credentials of one bot at a token service of Microsoft's, or another that speaks the same: its tokens are got
/// over HTTP, kept, and renewed before they expire.
///
/// Lifetime: it outlives its coroutines; a context that is destroyed takes those on it along. The clock and the metrics
///   outlive it and the context of `home`, where a request that it has cancelled ends.
/// Thread safety: all functions from any thread.
class OAuthCredentials final : public CredentialProvider {
 public:
  /// `home` is that of an `io_context` that one thread runs, and has the requests. Files are read there, too, so
  /// nothing else should depend on it.
  OAuthCredentials(OAuthOptions options, std::shared_ptr<TokenFetcher> fetcher, executor home, Clock& clock,
                   Metrics& metrics);
  ~OAuthCredentials() override;

  TokenAnswer token(const TokenRequest& request) override;
  bool refused(const TokenRequest& request, const std::shared_ptr<const AccessToken>& token) override;

 private:
  std::unique_ptr<TokenSource> make_source(std::string scope) const;
  /// nullptr when there are too many scopes.
  TokenSource* source_of(std::string_view scope);

  const OAuthOptions options_;
  const std::shared_ptr<TokenFetcher> fetcher_;
  const executor home_;
  Clock& clock_;
  Metrics& metrics_;
  const std::unique_ptr<TokenSource> channels_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<TokenSource>, std::less<>> others_;  // by scope; guarded by the mutex
};

}  // namespace tern::auth
