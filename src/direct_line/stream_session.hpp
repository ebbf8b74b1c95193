#pragma once

#include "direct_line/follower.hpp"
#include "direct_line/options.hpp"
#include "http/web_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace tern::direct_line {

/// Sends a conversation to one socket: first what is kept after the watermark, then what comes. The socket sets the
/// pace: nothing is read from the store while it has much to send. One that takes nothing for a minute is closed with
/// 1013, also when it pings.
///
/// Lifetime: the clock outlives it.
class StreamSession final : public http::WebSocketHandler {
 public:
  /// It follows the conversation from now on, so that it counts before its handshake is done.
  StreamSession(std::shared_ptr<Conversation> conversation, std::uint64_t watermark, std::shared_ptr<void> place,
                PacedReader reader, const Bounds& bounds, Clock& clock);

  awaitable<void> serve(std::shared_ptr<http::WebSocket> socket) override;
  http::WebSocketOptions options() const override;

 private:
  struct Pump;
  static awaitable<void> pump(std::shared_ptr<Pump> pump);
  static awaitable<bool> wait_for_room(Pump& pump, std::size_t bytes);
  static awaitable<bool> send(Pump& pump, const Follower::News& news, std::uint64_t watermark);

  std::unique_ptr<Follower> follower_;  // until `serve`
  std::uint64_t watermark_;
  std::shared_ptr<void> place_;
  std::size_t unsent_;
  Clock& clock_;
};

}  // namespace tern::direct_line
