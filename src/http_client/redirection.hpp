#pragma once

#include "http_client/target.hpp"

#include <tern/http/http_client.hpp>

#include <string_view>

namespace tern::http_client {

/// Turns a request, and the target that it went to, into the next ones after an answer with `status` and the header
/// `location`. False, and nothing changes, when the answer is no redirect or must not be followed: `HttpClient` has the
/// rules.
bool follow_redirect(HttpRequest& request, Target& target, int status, std::string_view location);

}  // namespace tern::http_client
