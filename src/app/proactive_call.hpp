#pragma once

#include "app/call_members.hpp"

#include <tern/async/clock.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/conversation_reference.hpp>
#include <tern/turn/proactive.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tern::app {

/// To whom: a reference as the bot kept it, or a user whom the bot knows.
struct Recipient {
  std::optional<ConversationReference> reference;
  std::string channel_id;
  std::string user_id;
  std::string conversation_id;  ///< "": the user's own conversation, or the last one
};

/// What a request to the proactive paths asks for.
struct ProactiveCall {
  Recipient to;
  std::optional<Activity> activity;
  std::optional<std::string> continuation;
  json::value value;
  WallTime due{};
  SendOptions options;
};

/// Which members a body may have besides the recipient.
enum class CallKind {
  send,        ///< `activity`
  schedule,    ///< `activity` or `continuation` with `value`; `at`, `after` or `every`; the options
  continuing,  ///< `value`; the options but `every`
  moving       ///< `at` or `after`, and no recipient
};

/// Reads a time with its offset, the value of the member or parameter `name`.
/// Errors: `BadCall`.
WallTime time_of(const std::string& text, std::string_view name);

/// Reads a body. `now`: what `after` and `every` count from.
/// Errors: `BadCall`.
ProactiveCall parse_proactive_call(std::string_view body, CallKind kind, WallTime now);

}  // namespace tern::app
