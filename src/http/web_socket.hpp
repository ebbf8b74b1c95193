#pragma once

#include <tern/async/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tern::http {

/// What a server sends on a WebSocket on which it has sent nothing for a while.
enum class WebSocketPing {
  control,    ///< a ping frame. Every client answers it, so a client that has gone is noticed even behind a proxy.
  empty_text  ///< a text frame without text, as Direct Line does. A client need not answer: it is enough that its
              ///< kernel has taken the frame.
};

/// How the server treats one WebSocket.
struct WebSocketOptions {
  std::size_t message = 0;  ///< the most bytes of a message of the client; a longer one closes the socket with 1009.
                            ///< 0: as `ServerLimits::body`
  std::size_t unsent = 1024 * 1024;  ///< bytes that wait to be sent; `send` beyond them closes the socket with 1013.
                                     ///< When nothing waits, one text may be larger
  std::chrono::milliseconds ping_every{20'000};  ///< a ping follows when nothing was sent for so long; 0: no pings
  WebSocketPing ping = WebSocketPing::control;
  std::chrono::milliseconds idle_timeout{60'000};  ///< a client that has sent nothing and taken nothing for so long is
                                                   ///< gone, and the socket is closed; 0: no limit. More than
                                                   ///< `ping_every`, so that an idle client has something to answer.
};

/// An open WebSocket (RFC 6455) of the server. It carries messages of text.
///
/// Lifetime: whoever has it may keep it after its end; then it does nothing. It is released before its shard is
/// destroyed.
/// Thread safety: none; everything happens on the thread of the connection's shard. To send from elsewhere, post to
/// that shard.
class WebSocket {
 public:
  virtual ~WebSocket() = default;

  /// The next message of the client; "" for an empty one, which some clients send as a ping; nullopt at the end,
  /// however it came. Messages that come after `close` are dropped. Pings are answered, and the client's end is
  /// noticed at once, only while somebody reads. So a handler reads until the end, also when it expects nothing.
  /// Preconditions: no other `read` is under way.
  /// Cancellation: terminal cancellation ends the connection.
  virtual awaitable<std::optional<std::string>> read() = 0;

  /// Queues a message of text, which must be UTF-8, and returns. Many sockets may share one text. The order is kept.
  /// False when the socket is closed, or when the client is too slow: more than `WebSocketOptions::unsent` bytes would
  /// wait. Then the socket is closed with 1013, what waits is dropped, and `read` ends within some seconds.
  virtual bool send(std::shared_ptr<const std::string> text) = 0;

  /// Sends what is queued, and then closes with this code (RFC 6455, 7.4). `read` ends when the client has answered,
  /// within some seconds otherwise. `reason`: UTF-8, of which 123 bytes at most are sent. Only the first call counts.
  virtual void close(std::uint16_t code, std::string_view reason) noexcept = 0;

  /// The bytes that wait to be sent: those that the kernel has not taken yet.
  virtual std::size_t unsent() const noexcept = 0;
};

/// What a handler answers with to make a WebSocket of the connection.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;

  /// Called once, after the handshake, on the connection's shard. The request is gone by then. The end of `serve`
  /// closes the socket with 1000. An exception closes it with 1011 and is logged.
  virtual awaitable<void> serve(std::shared_ptr<WebSocket> socket) = 0;

  /// Called once, before `serve`.
  virtual WebSocketOptions options() const { return {}; }
};

}  // namespace tern::http
