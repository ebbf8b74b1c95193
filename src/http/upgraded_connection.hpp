#pragma once

#include "async/timing_wheel.hpp"
#include "http/text_queue.hpp"
#include "http/web_socket.hpp"

#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tern::http {

class Session;

/// How a WebSocket ended.
enum class WebSocketEnd {
  client,     ///< the client closed it
  handler,    ///< the handler closed it, or ended
  failed,     ///< the handler threw
  lost,       ///< the connection was lost
  malformed,  ///< the client broke the rules: 1002, 1003, 1007
  too_large,  ///< a message of the client was too large, or took too long to come
  slow,       ///< the client took too little of what was to be sent
  idle,       ///< nothing came from the client for too long
  closing,    ///< the server closes
  aborted     ///< the server closed all connections at once
};
/// The label of each `WebSocketEnd` in `tern_http_web_sockets_ended_total`, in the same order.
inline constexpr std::array<std::string_view, 10> web_socket_ends{
    "client", "handler", "failed", "lost", "malformed", "too_large", "slow", "idle", "closing", "aborted"};

/// A connection that has become a WebSocket. Beast speaks the protocol; this class bounds what Beast does not: what
/// waits to be sent, how long a client may be silent, and how long a closing may take. It has one entry in the shard's
/// wheel for all its deadlines.
///
/// Lifetime: the session's coroutine, whoever has the socket, and each operation under way keep it alive.
/// Thread safety: none; everything happens on the shard's thread.
class UpgradedConnection final : public WebSocket,
                                 public TimingWheel::Entry,
                                 public std::enable_shared_from_this<UpgradedConnection> {
 public:
  /// `early`: what has come behind the handshake.
  UpgradedConnection(std::shared_ptr<Session> session, const WebSocketOptions& options, std::string early);
  ~UpgradedConnection() override;

  /// Lets Beast take the handshake with this key. Returns the value of Sec-WebSocket-Accept, to answer it with.
  awaitable<std::string> accept(std::string key);
  /// The handshake has been answered.
  void open();

  awaitable<std::optional<std::string>> read() override;
  bool send(std::shared_ptr<const std::string> text) override;
  void close(std::uint16_t code, std::string_view reason) noexcept override;
  std::size_t unsent() const noexcept override { return queue_.bytes(); }

  /// As `close`, for a reason of the server's own.
  void end(WebSocketEnd why, std::uint16_t code, std::string_view reason) noexcept;
  /// The server closes: the client has until `ServerState::closing_by`, and so has the handler.
  void begin_closing() noexcept;
  /// The session has closed the socket.
  void abandon() noexcept;
  /// Waits until it is closed. False when the connection is lost. Call it when the handler has ended.
  awaitable<bool> closed();

 private:
  struct Stream;
  enum class State { open, closing, ended };

  void on_expired() noexcept override;
  void look() noexcept;
  void look_at_closing() noexcept;
  bool has_life() noexcept;
  bool takes() noexcept;
  bool message_is_late() noexcept;
  void ping() noexcept;
  void arm_for_look() noexcept;
  void arm(SteadyTime when) noexcept;

  void write_next() noexcept;
  void on_written(error_code ec) noexcept;
  void write_close() noexcept;
  void on_closed(error_code ec) noexcept;
  void on_unread(error_code ec) noexcept;
  void lose(WebSocketEnd why) noexcept;
  void finish(WebSocketEnd why) noexcept;
  SteadyTime now() const noexcept;

  std::shared_ptr<Session> session_;
  std::unique_ptr<Stream> stream_;
  WebSocketOptions options_;
  TextQueue queue_;
  State state_ = State::open;
  WebSocketEnd end_ = WebSocketEnd::lost;
  std::uint16_t code_ = 0;  // of the close frame, with its reason
  std::string reason_;
  bool reading_ = false;
  bool writing_ = false;
  bool pinging_ = false;
  bool serving_ = true;    // the handler has not ended
  bool connected_ = true;  // there is somebody to linger for

  SteadyTime last_sent_{};
  SteadyTime last_life_{};      // when the client was last seen to be there
  SteadyTime close_by_{};       // the closing is cut then at the latest
  SteadyTime message_since_{};  // when the message that is incomplete was first seen
  std::uint64_t messages_ = 0;
  std::uint64_t message_seen_ = 0;  // which message that is
  std::uint64_t written_seen_ = 0;
  std::int64_t taken_seen_ = 0;
  std::unique_ptr<Timer> waiting_;  // of `closed`
};

}  // namespace tern::http
