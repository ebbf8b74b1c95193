#pragma once

#include "runtime/turn_request.hpp"

#include <string>

namespace tern::runtime {

/// The activity should be sent again later.
inline TurnReply overloaded_reply(const char* why) noexcept {
  return {TurnOutcome::overloaded, why, std::chrono::seconds(1)};
}

inline TurnReply shutting_down_reply() noexcept {
  return {TurnOutcome::shutting_down, "The bot is shutting down. Send the activity again.", std::chrono::seconds(1)};
}

/// The protocol's error body for a reply that is an error: `{"error":{"code":...,"message":...}}`, or what the bot has
/// answered to an invoke.
std::string error_text(const TurnReply& reply);

}  // namespace tern::runtime
