#pragma once

#include "http/http_types.hpp"
#include "runtime/turn_request.hpp"

#include <tern/async/timer.hpp>

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace tern::app {

/// The replies of a turn with `deliveryMode: stream` as server-sent events: `event: activity` for each, at once, then
/// `event: invokeResponse` for an invoke. A turn that fails after its first reply ends with `event: error`.
///
/// The runtime does not acknowledge (202) or cut such a turn: its client sees that it goes on.
/// Thread safety: none; on its shard.
class ReplyStream final : public http::BodySource {
 public:
  ReplyStream(executor ex, bool invoke);
  ~ReplyStream() override;

  /// What the turn is given; it may outlive this stream.
  std::unique_ptr<runtime::TurnObserver> observer();

  /// Waits for the first reply or the end. The turn's answer when it ended in an error before any reply.
  awaitable<std::optional<runtime::TurnReply>> begin();

  awaitable<std::optional<std::string>> next() override;

 private:
  struct State {
    explicit State(const executor& ex) : wake(ex) {}
    std::deque<std::string> events;
    std::optional<runtime::TurnReply> reply;
    asio::steady_timer wake;  // never expires: cancelled when there is something new
    bool begun = false;
  };
  class Observer;

  static awaitable<void> wait(std::shared_ptr<State> state);
  std::string last_event(runtime::TurnReply reply) const;

  std::shared_ptr<State> state_;
  bool invoke_;
  bool ended_ = false;
};

}  // namespace tern::app
