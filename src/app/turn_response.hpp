#pragma once

#include "http/http_types.hpp"
#include "runtime/turn_request.hpp"

namespace tern::app {

/// The status of HTTP that says what a turn has come to.
/// Source: Activity Protocol, "Delivery mode"; Bot Connector API v3, "Error".
unsigned status_of(const runtime::TurnReply& reply) noexcept;

/// The response of HTTP to the activity of a turn.
http::HttpResponse response_of(runtime::TurnReply reply);

}  // namespace tern::app
