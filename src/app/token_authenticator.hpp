#pragma once

#include "app/side_thread.hpp"
#include "auth/bot_framework_authenticator.hpp"
#include "auth/caller_id.hpp"
#include "auth/cloud.hpp"
#include "auth/http_fetcher.hpp"

#include <tern/app/config.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/schema/activity.hpp>
#include <tern/turn/authenticator.hpp>

#include <memory>
#include <string_view>

namespace tern::app {

/// What the keys below `bot.` say about tokens.
/// Preconditions: `check_bot` accepts them, and there is an app id.
auth::AuthenticatorOptions token_options(const BotSettings& bot);

/// Tern's own authenticator, with what it needs: it checks tokens, and fetches the keys of their issuers on a thread of
/// its own.
///
/// Lifetime: it outlives its coroutines; a context that is destroyed takes those on it along. A fetch that is under way
///   when it is destroyed ends there. The clock and the metrics outlive it.
/// Thread safety: all functions from any thread.
class TokenAuthenticator final : public Authenticator {
 public:
  /// Preconditions: as for `token_options`.
  /// Errors: `ConfigError` when `bot.ca_file` or a variable that names a proxy cannot be used.
  TokenAuthenticator(const Settings& settings, Clock& clock, Metrics& metrics);

  Authentication authenticate(const InboundRequest& request) override { return tokens_.authenticate(request); }

  /// The `callerId` of what a channel has sent; "" for none.
  std::string_view caller_id_of_channels() const noexcept { return cloud_.caller_id; }
  /// States in an activity who has sent it.
  /// Preconditions: the caller was found out by this authenticator, and the activity has `caller_id_of_channels`.
  static void sign(Activity& activity, const Identity& caller) {
    if (auth::has_own_caller_id(caller)) {
      activity.set_caller_id(auth::own_caller_id_of(caller));
    }
  }

 private:
  const auth::Cloud& cloud_;
  // In this order: a fetch that is cancelled ends with the thread, and the client outlives what has used it.
  std::shared_ptr<auth::HttpFetcher> fetcher_;
  SideThread thread_;
  auth::BotFrameworkAuthenticator tokens_;
};

}  // namespace tern::app
