#pragma once

#include "auth/token_fetcher.hpp"

#include <tern/async/clock.hpp>
#include <tern/http/http_client.hpp>

#include <string>
#include <string_view>

namespace tern::auth {

/// Reads the answer of a token service: a token, or why there is none. `host`: who has answered, for messages. Of an
/// error's body only its codes get into the message, such as `invalid_client` and `AADSTS7000215`: the rest may repeat
/// what was sent.
///
/// 408, 410, 429 and every status from 500 on are failures for now, and so is an answer that is no token. 400 to 403
/// mean that the credentials are refused, unless the service says `temporarily_unavailable`. 404 is a failure for now
/// at a metadata endpoint, which is not there before the machine has its identity. Source: RFC 6749, sections 5.1
/// and 5.2; Microsoft identity platform, "Error codes"; Azure, "How to use managed
///   identities", error handling.
boost::system::result<FreshToken, TokenFailure> read_token_answer(const HttpResponse& answer, std::string_view host,
                                                                  WallTime now);

}  // namespace tern::auth
