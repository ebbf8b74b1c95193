#pragma once

#include <tern/error.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/conversation_reference.hpp>
#include <tern/turn/bot.hpp>

#include <boost/json/value.hpp>

#include <exception>
#include <functional>
#include <string>
#include <utility>

namespace tern::runtime {

/// A continuation was refused before it began: none of its code has run. After any other failure some of it may have.
class NotBegun : public Error {
 public:
  NotBegun(errc code, const std::string& detail) : Error(code, detail) {}
};

/// A turn that the bot itself begins, without an activity from outside.
struct Continuation {
  Continuation() = default;
  ConversationReference reference;
  TurnHandler handler;  ///< runs in the turn, if it is set
  std::string name;     ///< otherwise the continuation that the bot registered with this name runs
  json::value value;    ///< the event's value
  /// The id of a scheduled continuation. It stays the same whenever this occurrence runs, also after a crash, and the
  /// keys of sends that the turn schedules are made from it. "" for a continuation that does not survive the process.
  std::string id;
  /// May be empty. Called once, on the conversation's shard: with nullptr when the turn begins or waits in its queue,
  /// otherwise with the reason of the refusal; `done` is not called then.
  std::function<void(std::exception_ptr)> admitted;
  std::function<void(std::exception_ptr)> done;  ///< called once, on the conversation's shard, at the turn's end

  /// Reports that the turn is not begun, with the reason.
  void refuse(std::exception_ptr why) const { (admitted ? admitted : done)(std::move(why)); }
};

/// The error of a continuation that was cut while it waited in its queue.
std::exception_ptr not_begun();

/// The activity of the continuation's turn.
Activity event_of(const Continuation& continuation);

}  // namespace tern::runtime
