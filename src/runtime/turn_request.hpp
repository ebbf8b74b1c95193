#pragma once

#include <tern/schema/activity.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tern::runtime {

/// How a turn was answered, in terms of HTTP.
struct TurnReply {
  TurnReply() = default;
  explicit TurnReply(unsigned s, std::string b = {}) : status(s), body(std::move(b)) {}
  unsigned status = 200;
  std::string body;  ///< JSON, or "" for an empty body
  std::optional<std::chrono::seconds> retry_after;
};

class ReplyReader;

/// Who waits for a turn's end. Called on the shard that it was given for (`TurnRequest::origin`), at most once each
/// function, never after it was destroyed. Destroyed without a call when the process ends.
class TurnObserver {
 public:
  virtual ~TurnObserver() = default;
  /// The turn has ended, was refused, or is acknowledged (202) and goes on. Last call.
  virtual void on_reply(TurnReply reply) noexcept = 0;
  /// The same, of a turn that has come to its end, by a caller that has nothing left to do: a coroutine that waits for
  /// the reply may be resumed from within, while what the turn has used is near.
  virtual void on_last_reply(TurnReply reply) noexcept { on_reply(std::move(reply)); }
  /// With `deliveryMode: stream`: the turn was taken, and this is where its replies are read, its answer among them.
  /// At most once, before `on_reply`, which then has nothing more to say.
  virtual void on_stream(std::unique_ptr<ReplyReader> replies) noexcept = 0;
};

/// An activity that arrived and was checked by `parse_activity`.
struct TurnRequest {
  Activity activity;
  std::unique_ptr<TurnObserver> observer;
  std::size_t origin = 0;      ///< the index of the shard on which the observer is called
  std::size_t body_bytes = 0;  ///< the size it arrived with
};

/// Where the edge hands over what it received. Implemented by the runtime.
class TurnReceiver {
 public:
  virtual ~TurnReceiver() = default;
  /// Called on the shard `request.origin`. Never throws and never blocks: overload and drain are replies (503).
  virtual void receive(TurnRequest request) noexcept = 0;
};

}  // namespace tern::runtime
