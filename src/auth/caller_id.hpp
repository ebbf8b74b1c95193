#pragma once

#include <tern/turn/identity.hpp>

#include <string>

namespace tern::auth {

/// Whether the `callerId` of what this caller has sent names the caller: `urn:botframework:aadappid:` with the app id,
/// for another app of a tenant, which the app that speaks for channels to agentic users is as well. What a channel or
/// an emulator has sent has that of the cloud, `Cloud::caller_id`.
///
/// Preconditions: `BotFrameworkAuthenticator` has found the caller out.
/// Source: the Bot Framework SDKs' `CallerIdConstants`, and `generateCallerId` of their adapters.
inline bool has_own_caller_id(const Identity& caller) noexcept {
  return caller.kind != Identity::Kind::emulator && !caller.tenant_id.empty();
}
/// Preconditions: `has_own_caller_id`.
std::string own_caller_id_of(const Identity& caller);

}  // namespace tern::auth
