#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace tern::auth {

/// Where a cloud of Microsoft has its issuers.
/// Source: the Bot Framework SDKs' `AuthenticationConstants` and `GovernmentAuthenticationConstants`;
/// `CloudEnvironment` of the Teams SDK; the Microsoft identity platform's "National clouds".
struct Cloud {
  std::string_view name;              ///< as in the configuration
  std::string_view channel_issuer;    ///< `iss` of the channels' tokens
  std::string_view channel_metadata;  ///< the URL of their OpenID document
  std::string_view login;  ///< where tenants have their OpenID documents; `iss` of version 2.0 begins with it
  std::string_view sts;    ///< what `iss` of version 1.0 begins with
  /// The app that brings messages to agentic users: it speaks for channels, with tokens of the user's tenant.
  std::string_view messaging_app;
  /// `callerId` of activities that its channels deliver; "" for none.
  std::string_view caller_id;
  /// Microsoft's own tenants, which multi-tenant bots and the Emulator get their tokens from.
  std::vector<std::string_view> tenants;
  /// The tenant whose authority gives multi-tenant bots their tokens.
  std::string_view shared_tenant;
};

/// The cloud of this name: `public` (also for GCC), `gcc_high`, `dod` or `china`. nullptr for another name.
/// Lifetime: that of the program.
const Cloud* cloud_of(std::string_view name) noexcept;

}  // namespace tern::auth
