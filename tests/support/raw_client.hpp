#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tern::test {

/// An answer taken apart by hand, so that a test of the server does not lean on the library under it.
struct RawAnswer {
  int status = 0;  ///< 0: the connection ended without an answer
  std::string head;
  std::string body;
};

/// Sends `request` to a port of this machine and reads until the server closes.
inline RawAnswer exchange_bytes(std::uint16_t port, std::string_view request) {
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), port});
  boost::system::error_code error;
  asio::write(socket, asio::buffer(request), error);
  std::string text;
  asio::read(socket, asio::dynamic_buffer(text), error);
  RawAnswer answer;
  const auto end = text.find("\r\n\r\n");
  if (text.size() > 12 && end != std::string::npos) {
    answer.status = std::stoi(text.substr(9, 3));
    answer.head = text.substr(0, end);
    answer.body = text.substr(end + 4);
  }
  return answer;
}

inline RawAnswer get(std::uint16_t port, const std::string& path) {
  return exchange_bytes(port, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

inline RawAnswer post_activity(std::uint16_t port, const std::string& body) {
  return exchange_bytes(port,
                        "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                        "Content-Type: application/json\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body);
}

}  // namespace tern::test
