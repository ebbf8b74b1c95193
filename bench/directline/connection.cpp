#include "directline/connection.hpp"

#include "directline/protocol.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <stdexcept>

namespace bench {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> Connection::open() {
  const tcp::endpoint server(asio::ip::address_v4::loopback(), port_);
  co_await socket_.async_connect(server, asio::deferred);
  socket_.set_option(tcp::no_delay(true));
  // Nothing stays behind a closed socket: three rounds of 10,000 would take all ports for the next minute.
  socket_.set_option(tcp::socket::linger(true, 0));
  open_ = true;
}

asio::awaitable<std::string> Connection::ask(std::string request) {
  if (!open_) {
    co_await open();
  }
  co_await asio::async_write(socket_, asio::buffer(request), asio::deferred);
  std::array<char, 4096> piece;
  while (true) {
    if (const auto answer = answers_.next()) {
      co_return std::string(*answer);
    }
    const auto bytes = co_await socket_.async_read_some(asio::buffer(piece), asio::deferred);
    answers_.add({piece.data(), bytes});
  }
}

asio::awaitable<std::string> Connection::become_web_socket(std::string path) {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  co_await open();
  const auto request = ask_for_socket(path);
  co_await asio::async_write(socket_, asio::buffer(request), asio::deferred);
  std::string head;
  std::array<char, 4096> piece;
  while (head.find(end_of_head) == std::string::npos) {
    const auto bytes = co_await socket_.async_read_some(asio::buffer(piece), asio::deferred);
    head.append(piece.data(), bytes);
  }
  if (status_of(head) != 101) {
    throw std::runtime_error("this is no WebSocket: " + head);
  }
  co_return head.substr(head.find(end_of_head) + end_of_head.size());
}

}  // namespace bench
