#include "support/proxy_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace tern::test {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto tuple = asio::as_tuple(asio::deferred);

struct Tunnel {
  explicit Tunnel(tcp::socket c) : client(std::move(c)), server(client.get_executor()) {}
  tcp::socket client;
  tcp::socket server;
};

asio::awaitable<void> relay(std::shared_ptr<Tunnel> tunnel, bool to_server) {
  tcp::socket& from = to_server ? tunnel->client : tunnel->server;
  tcp::socket& to = to_server ? tunnel->server : tunnel->client;
  std::array<char, 4096> bytes{};
  for (;;) {
    auto [failed, size] = co_await from.async_read_some(asio::buffer(bytes), tuple);
    if (failed) {
      break;
    }
    auto [lost, sent] = co_await asio::async_write(to, asio::buffer(bytes.data(), size), tuple);
    if (lost) {
      break;
    }
  }
  boost::system::error_code ignored;
  to.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

struct ProxyServer::Impl {
  asio::awaitable<void> accept();
  asio::awaitable<void> serve(std::shared_ptr<Tunnel> tunnel);

  std::uint16_t target = 0;
  mutable std::mutex mutex;
  std::vector<std::string> heads;
  std::optional<std::string> script;
  asio::io_context io{1};
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  std::thread thread;
};

asio::awaitable<void> ProxyServer::Impl::accept() {
  for (;;) {
    auto [failed, socket] = co_await acceptor.async_accept(tuple);
    if (failed) {
      co_return;
    }
    // A failure of a connection is seen by its client.
    asio::co_spawn(io, serve(std::make_shared<Tunnel>(std::move(socket))), asio::detached);
  }
}

asio::awaitable<void> ProxyServer::Impl::serve(std::shared_ptr<Tunnel> tunnel) {
  std::string head;
  co_await asio::async_read_until(tunnel->client, asio::dynamic_buffer(head), "\r\n\r\n", tuple);
  std::optional<std::string> said;
  {
    const std::lock_guard lock(mutex);
    heads.push_back(head);
    said = script;
  }
  const bool scripted = said.has_value();
  if (!scripted) {
    auto [refused] = co_await tunnel->server.async_connect({asio::ip::address_v4::loopback(), target}, tuple);
    said = refused ? "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
                   : "HTTP/1.0 200 Connection established\r\n\r\n";
  }
  co_await asio::async_write(tunnel->client, asio::buffer(*said), tuple);
  if (!scripted) {
    asio::co_spawn(io, relay(tunnel, false), asio::detached);
  }
  co_await relay(tunnel, true);
}

ProxyServer::ProxyServer(std::uint16_t port) : impl_(std::make_unique<Impl>()) {
  impl_->target = port;
  asio::co_spawn(impl_->io, impl_->accept(), asio::detached);
  impl_->thread = std::thread([this] { impl_->io.run(); });
}

ProxyServer::~ProxyServer() {
  impl_->io.stop();
  impl_->thread.join();
}

std::string ProxyServer::url(const std::string& user) const {
  return "http://" + (user.empty() ? user : user + "@") +
         "127.0.0.1:" + std::to_string(impl_->acceptor.local_endpoint().port());
}

void ProxyServer::answer_with(std::string bytes) {
  const std::lock_guard lock(impl_->mutex);
  impl_->script = std::move(bytes);
}

std::vector<std::string> ProxyServer::heads() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->heads;
}

}  // namespace tern::test
