#pragma once

#include "harness.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <list>
#include <string>

/// Ports of loopback that do not behave. All of 127.0.0.0/8 is this machine: a port that a test has on 127.0.0.1 is
/// free for it on 127.0.0.2.
namespace tern::connector::test {

using asio::ip::tcp;

inline tcp::endpoint loopback(const std::string& address = "127.0.0.1", std::uint16_t port = 0) {
  return {asio::ip::make_address(address), port};
}

/// A port whose queue of connections is full: who connects waits for ever.
class FullPort {
 public:
  explicit FullPort(const tcp::endpoint& where = loopback()) : acceptor_(io_) {
    acceptor_.open(where.protocol());
    acceptor_.bind(where);
    acceptor_.listen(0);
    for (int i = 0; i < 4; ++i) {
      auto& socket = filling_.emplace_back(io_);
      socket.async_connect(acceptor_.local_endpoint(), [](error_code) {});  // begun at once; some never end
    }
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::list<tcp::socket> filling_;
};

/// A port that takes connections and never says anything.
class SilentPort {
 public:
  explicit SilentPort(const tcp::endpoint& where = loopback()) : acceptor_(io_, where) {}
  std::string url(const std::string& scheme) const {
    return scheme + "://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_;
};

/// A port on which nobody listens.
class ClosedPort {
 public:
  explicit ClosedPort(const tcp::endpoint& where = loopback()) : socket_(io_, where) {}
  std::uint16_t port() const { return socket_.local_endpoint().port(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

 private:
  asio::io_context io_;
  tcp::socket socket_;  // bound, so that no other test gets the port
};

}  // namespace tern::connector::test
