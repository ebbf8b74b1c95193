#pragma once

#include <tern/schema/conversation_reference.hpp>
#include <tern/turn/bot.hpp>

#include <boost/json/value.hpp>

#include <exception>
#include <functional>
#include <string>

namespace tern::runtime {

/// What runs in a turn that no activity from outside began.
struct Continuation {
  Continuation() = default;
  ConversationReference reference;
  TurnHandler handler;                           ///< either this,
  std::string name;                              ///< or a continuation that the bot registered
  json::value value;                             ///< the event's value
  std::function<void(std::exception_ptr)> done;  ///< called once, on the conversation's shard
};

}  // namespace tern::runtime
