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

/// Why a continuation did not run: nothing of it has happened, as with no other failure.
class NotBegun : public Error {
 public:
  NotBegun(errc code, const std::string& detail) : Error(code, detail) {}
};

/// What runs in a turn that no activity from outside began.
struct Continuation {
  Continuation() = default;
  ConversationReference reference;
  TurnHandler handler;  ///< either this,
  std::string name;     ///< or a continuation that the bot registered
  json::value value;    ///< the event's value
  /// Of a scheduled one: the same whenever this occurrence of it runs, also after a crash. Sends that its turn
  /// schedules have their keys from it. "" for one that does not survive the process.
  std::string id;
  /// May be empty. Called once, on the conversation's shard: the turn waits in its queue or begins, or is refused for
  /// this reason. `done` is not called after a refusal that was told here.
  std::function<void(std::exception_ptr)> admitted;
  std::function<void(std::exception_ptr)> done;  ///< called once, on the conversation's shard, at the turn's end

  /// The turn is not begun, for this reason.
  void refuse(std::exception_ptr why) const { (admitted ? admitted : done)(std::move(why)); }
};

/// For who waits for a continuation that was cut before it came to run.
std::exception_ptr not_begun();

/// The event that its turn handles.
Activity event_of(const Continuation& continuation);

}  // namespace tern::runtime
