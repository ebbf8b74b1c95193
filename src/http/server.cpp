#include "http/server.hpp"

#include "http/acceptor.hpp"
#include "http/describe.hpp"
#include "http/server_state.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>

#include <exception>
#include <utility>

namespace tern::http {

struct Server::Impl {
  Impl(asio::io_context& acceptors, std::shared_ptr<ServerState> shared) : io(acceptors), state(std::move(shared)) {}

  asio::io_context& io;  // the acceptor's
  std::shared_ptr<ServerState> state;
  std::shared_ptr<Acceptor> acceptor;
  std::uint16_t port = 0;

  void close_acceptor() {
    if (acceptor) {
      asio::dispatch(io, [held = acceptor] { held->close(); });
    }
  }
  void abort_acceptor() {
    if (acceptor) {
      asio::dispatch(io, [held = acceptor] { held->abort(); });
    }
  }
};

Server::Server(std::vector<ServerShard> shards, HttpHandler& handler, ServerLimits limits, Clock& clock,
               Metrics& metrics) {
  if (shards.empty()) {
    throw_error(errc::invalid_argument, "an HTTP server needs at least one shard");
  }
  asio::io_context& first = shards.front().io;
  auto state = std::make_shared<ServerState>(std::move(shards), handler, limits, clock, metrics);
  impl_ = std::make_unique<Impl>(first, std::move(state));
}

Server::~Server() {
  abort();
}

void Server::listen(const std::string& address, std::uint16_t port, mode_t mode) {
  if (impl_->acceptor) {
    throw_error(errc::invalid_argument, "this HTTP server listens already; make another one for a second address");
  }
  auto acceptor = std::make_shared<Acceptor>(impl_->io, impl_->state);
  impl_->port = acceptor->listen(address, port, mode);
  impl_->acceptor = std::move(acceptor);
}

void Server::serve_hosts(const ServedHosts& hosts) {
  impl_->state->serve_hosts(hosts);
}

void Server::trust(TrustedProxies proxies) {
  impl_->state->trust(std::move(proxies));
}

void Server::serve_tls(std::shared_ptr<const TlsContext> tls) {
  impl_->state->serve_tls(std::move(tls));
}

std::uint16_t Server::port() const noexcept {
  return impl_->port;
}

void Server::start() {
  if (!impl_->acceptor) {
    throw_error(errc::invalid_argument, "call listen before start: the HTTP server has no address yet");
  }
  impl_->state->enter();
  asio::co_spawn(impl_->io, Acceptor::run(impl_->acceptor), [state = impl_->state](std::exception_ptr error) {
    if (error) {
      log::error("the HTTP server accepts no more connections", {{"error", describe(error)}});
    }
    state->leave();
  });
}

void Server::stop_accepting() {
  impl_->close_acceptor();
  impl_->state->stop();
}

awaitable<bool> Server::drain(Deadline by) {
  stop_accepting();
  return ServerState::drained(impl_->state, by);
}

void Server::abort() {
  impl_->abort_acceptor();
  impl_->state->abort();
}

std::size_t Server::connections() const noexcept {
  return impl_->state->connections();
}

}  // namespace tern::http
