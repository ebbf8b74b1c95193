#pragma once

#include "app/side_thread.hpp"
#include "auth/oauth_credentials.hpp"

#include <tern/app/app.hpp>

#include <memory>
#include <string>
#include <vector>

namespace tern::app {

/// The credentials that the keys below `bot.` describe, with what they need: they get tokens, and read files, on a
/// thread of their own.
///
/// Lifetime: it outlives its coroutines; a context that is destroyed takes those on it along. A request that is under
/// way
///   when it is destroyed ends there. The clock and the metrics outlive it.
/// Thread safety: all functions from any thread.
class BotCredentials final : public CredentialProvider {
 public:
  /// Errors: as for `bot_credentials`.
  BotCredentials(const BotSettings& bot, const CredentialContext& context);

  TokenAnswer token(const TokenRequest& request) override;
  bool refused(const TokenRequest& request, const std::shared_ptr<const AccessToken>& token) override {
    return tokens_.refused(request, token);
  }

 private:
  const std::vector<std::string> other_bots_;  // of this process, in lower case: the credentials are not theirs
  // In this order: a request that is cancelled ends with the thread, and the client outlives what has used it.
  std::shared_ptr<auth::TokenFetcher> fetcher_;
  SideThread thread_;
  auth::OAuthCredentials tokens_;
};

}  // namespace tern::app
