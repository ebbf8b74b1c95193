#pragma once

#include "http/date_text.hpp"
#include "http/stream_socket.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace tern::http {

class ServerState;

/// Answers clients for which there is no capacity with 503 (with TLS, which would cost a handshake, by an alert), and
/// closes them so that they can read the answer: the server sends nothing more and drops the client's input; it closes
/// the connection when the client ends, or after `linger_time`. At most `ServerLimits::refusals` clients are being
/// closed like this; for one more, the client that was answered first is closed at once.
///
/// Lifetime: each client keeps it alive.
/// Thread safety: none; everything happens on the acceptor's shard.
class Farewells final : public std::enable_shared_from_this<Farewells> {
 public:
  explicit Farewells(std::shared_ptr<ServerState> server);
  ~Farewells();
  Farewells(const Farewells&) = delete;
  Farewells& operator=(const Farewells&) = delete;

  /// `socket` belongs to the acceptor's shard.
  void say(StreamSocket socket);
  /// Closes the client that was answered first; false when there is none.
  bool close_oldest() noexcept;
  void close_all() noexcept;

 private:
  class One;
  struct List;

  std::string text();

  std::shared_ptr<ServerState> server_;
  DateText date_;
  std::size_t count_ = 0;
  std::unique_ptr<List> all_;  // the oldest first
};

}  // namespace tern::http
