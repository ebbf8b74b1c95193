#pragma once

#include "auth/cloud.hpp"

#include <tern/turn/identity.hpp>

#include <string>
#include <string_view>

namespace tern::auth {

/// The `callerId` of an activity that this caller has sent: `urn:botframework:azure` or `urn:botframework:azureusgov`
/// for a channel and an emulator, and `urn:botframework:aadappid:` with the app id for another app of a tenant, which
/// the app that speaks for channels to agentic users is as well. "" where the SDKs have none: the cloud `china`.
///
/// Preconditions: `BotFrameworkAuthenticator` has found the caller out.
/// Lifetime: that of the cloud, or until `memory` changes.
/// Source: the Bot Framework SDKs' `CallerIdConstants`, and `generateCallerId` of their adapters.
std::string_view caller_id_of(const Identity& caller, const Cloud& cloud, std::string& memory);

}  // namespace tern::auth
