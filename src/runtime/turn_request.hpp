#pragma once

#include <tern/schema/activity.hpp>
#include <tern/turn/identity.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tern::runtime {

/// The answer of a turn, as an HTTP response.
struct TurnReply {
  TurnReply() = default;
  explicit TurnReply(unsigned s, std::string b = {}) : status(s), body(std::move(b)) {}
  unsigned status = 200;
  std::string body;  ///< JSON, or "" for an empty body
  std::optional<std::chrono::seconds> retry_after;
};

class ReplyReader;

/// Waits for the end of a turn. Its functions are called on the shard `TurnRequest::origin`, each at most once. When
/// the process ends, the observer may be destroyed without a call.
class TurnObserver {
 public:
  virtual ~TurnObserver() = default;
  /// The turn has ended, was refused, or was acknowledged (202) and goes on. This is the last call.
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
  /// Call it on the shard `request.origin`. It never throws and never blocks; overload and drain are replies (503).
  virtual void receive(TurnRequest request) noexcept = 0;
};

}  // namespace tern::runtime
