#pragma once

#include "runtime/turn_request.hpp"

#include <tern/schema/parse.hpp>

#include <chrono>
#include <string_view>

namespace tern::runtime {

/// 503: the client should send its request again.
inline TurnReply unavailable_reply(std::string_view why) {
  TurnReply reply(503, error_body("ServiceUnavailable", why));
  reply.retry_after = std::chrono::seconds(1);
  return reply;
}

inline TurnReply shutting_down_reply() {
  return unavailable_reply("The bot is shutting down. Send the activity again.");
}

}  // namespace tern::runtime
