#pragma once

#include "edge/activity.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>

namespace bench {

/// A connection to a server on 127.0.0.1, which is kept.
///
/// Thread safety: none.
class Connection {
 public:
  Connection(boost::asio::io_context& io, std::uint16_t port) : socket_(io), port_(port) {}

  boost::asio::awaitable<void> open();
  /// Sends a request, and returns the response. Opens the connection if it is not open. One request at a time.
  boost::asio::awaitable<std::string> ask(std::string request);
  /// Asks for the WebSocket at this path. Returns what has come behind the handshake.
  /// Errors: `std::runtime_error` when the server answers otherwise.
  boost::asio::awaitable<std::string> become_web_socket(std::string path);

  boost::asio::ip::tcp::socket& socket() noexcept { return socket_; }

 private:
  boost::asio::ip::tcp::socket socket_;
  std::uint16_t port_;
  HttpPieces answers_;
  bool open_ = false;
};

}  // namespace bench
