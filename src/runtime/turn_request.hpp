#pragma once

#include <tern/schema/activity.hpp>
#include <tern/turn/identity.hpp>
#include <tern/turn/turn_outcome.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace tern::runtime {

/// The answer of a turn. It knows nothing of the way on which its activity came: the edge makes HTTP of it
/// (`src/app/turn_response.hpp`), a channel in the process a `TurnResult`.
struct TurnReply {
  /// The turn has ended. `content`: its replies as JSON, with `expectReplies`; "" otherwise.
  TurnReply() = default;
  explicit TurnReply(std::string content) : body(std::move(content)) {}
  /// The turn of an invoke has ended, with the answer of the bot. `content`: JSON; "" for an empty body.
  static TurnReply to_invoke(int status, std::string content = {}) {
    TurnReply made(std::move(content));
    made.invoke_status = status;
    return made;
  }
  static TurnReply going_on() { return {TurnOutcome::goes_on, ""}; }
  /// `reason`: a literal, for whoever has sent the activity.
  TurnReply(TurnOutcome what, const char* reason, std::chrono::seconds wait = {}) noexcept
      : outcome(what), why(reason), retry_after(wait) {}

  /// The activity was not done as it should be, or the bot has answered an invoke with an error.
  bool is_error() const noexcept {
    return (outcome != TurnOutcome::done && outcome != TurnOutcome::goes_on) || invoke_status >= 400;
  }

  TurnOutcome outcome = TurnOutcome::done;
  int invoke_status = 0;               ///< 0: the activity is no invoke, or has got no answer
  const char* why = "";                ///< why it is not done: a literal
  std::chrono::seconds retry_after{};  ///< when the activity may be sent again; 0 says nothing
  std::string body;                    ///< JSON, or "" for an empty body
};

class ReplyReader;

/// Waits for the end of a turn. Its functions are called on the shard `TurnRequest::origin`, each at most once. When
/// the process ends, the observer may be destroyed without a call.
class TurnObserver {
 public:
  virtual ~TurnObserver() = default;
  /// The turn has ended, was refused, or goes on. This is the last call.
  virtual void on_reply(TurnReply reply) noexcept = 0;
  /// The same, by a caller that has nothing left to do. A coroutine that waits for the reply may be resumed inside this
  /// call, while the memory that the turn has used is still in the cache.
  virtual void on_last_reply(TurnReply reply) noexcept { on_reply(std::move(reply)); }
  /// With `deliveryMode: stream`: the turn was accepted. `replies` gives all its replies and its answer, so the reply
  /// of the later `on_reply` is not needed.
  virtual void on_stream(std::unique_ptr<ReplyReader> replies) noexcept = 0;
};

/// An activity that has arrived and was checked by `parse_activity`.
struct TurnRequest {
  Activity activity;
  std::unique_ptr<TurnObserver> observer;
  std::shared_ptr<const Identity> caller;  ///< the sender of the request; nullptr without an authenticator
  std::size_t origin = 0;                  ///< the index of the shard on which the observer is called
  std::size_t body_bytes = 0;              ///< the size of the request's body
};

/// Receives activities from the edge. Implemented by the runtime.
class TurnReceiver {
 public:
  virtual ~TurnReceiver() = default;
  /// Call it on the shard `request.origin`. It never throws and never blocks; overload and drain are replies.
  virtual void receive(TurnRequest request) noexcept = 0;
};

}  // namespace tern::runtime
