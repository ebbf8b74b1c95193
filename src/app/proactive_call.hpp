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

/// The recipient of a call: a reference that the bot has kept, or a user whom the bot knows.
struct Recipient {
  std::optional<ConversationReference> reference;
  std::string channel_id;
  std::string user_id;
  std::string conversation_id;  ///< "": the user's personal conversation, or the last one
};

/// A request to the proactive paths.
struct ProactiveCall {
  Recipient to;
  std::optional<Activity> activity;
  std::optional<std::string> continuation;
  json::value value;
  WallTime due{};
  SendOptions options;
};

/// The members that a body may have besides the recipient.
enum class CallKind {
  send,        ///< `activity`
  schedule,    ///< `activity` or `continuation` with `value`; `at`, `after` or `every`; the options
  continuing,  ///< `value`; the options except `every`
  moving       ///< `at` or `after`, and no recipient
};

/// Reads a time with its offset. `name`: the member or parameter, for the message.
/// Errors: `BadCall`.
WallTime time_of(const std::string& text, std::string_view name);

/// Reads a body. `now`: the time from which `after` and `every` count.
/// Errors: `BadCall`.
ProactiveCall parse_proactive_call(std::string_view body, CallKind kind, WallTime now);

}  // namespace tern::app
