#include "http/server.hpp"

#include "http/describe.hpp"
#include "http/server_state.hpp"

#include <tern/async/log.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace tern::http {

using asio::ip::tcp;

namespace {

using namespace std::chrono_literals;

constexpr auto accept_pause = 100ms;
constexpr auto warn_interval = 1s;

// Belongs to the acceptor's shard; not part of `ServerState`, which sessions of other shards may keep for longer.
struct Listener {
  Listener(asio::io_context& io, Clock& clock) : acceptor(io), pause(clock, io.get_executor()) {}

  void close() noexcept {
    error_code ignored;
    acceptor.close(ignored);
    pause.cancel();
  }

  tcp::acceptor acceptor;
  Timer pause;
  std::optional<SteadyTime> warned;
};

[[noreturn]] void throw_cannot_listen(error_code ec, const std::string& address, std::uint16_t port) {
  std::string advice = "; check the address and the port";
  if (ec == asio::error::address_in_use) {
    advice = "; another program uses this port: end it, or choose another port";
  } else if (ec == asio::error::access_denied) {
    advice = "; ports below 1024 need the privilege to bind them: choose a port of 1024 or more";
  } else if (ec == boost::system::errc::address_not_available) {
    advice = "; this machine has no such address: 127.0.0.1 is for this machine only, 0.0.0.0 and :: are for all";
  } else if (ec == asio::error::invalid_argument) {
    advice =
        "; an IPv4 or IPv6 address is needed, no host name: 127.0.0.1 is for this machine only, 0.0.0.0 and :: "
        "are for all";
  }
  throw Error(ec, "cannot listen on address " + address + " port " + std::to_string(port) + advice);
}

void warn_of_accept(Listener& listener, const Clock& clock, error_code ec) {
  const SteadyTime now = clock.now();
  if (!listener.warned || now - *listener.warned >= warn_interval) {
    listener.warned = now;
    log::warn("connections cannot be accepted; trying again", {{"error", ec.message()}});
  }
}

void open(ServerState& server, ShardState& shard, tcp::socket socket, const tcp::endpoint& peer) {
  try {
    server.open(shard, std::move(socket), peer);
  } catch (...) {
    log::error("a connection could not be served", {{"error", describe(std::current_exception())}});
  }
}

awaitable<void> accept_connections(std::shared_ptr<Listener> listener, std::shared_ptr<ServerState> server) {
  while (listener->acceptor.is_open()) {
    ShardState& shard = server->next_shard();
    tcp::socket socket(shard.shard.io);
    tcp::endpoint peer;
    const auto [ec] = co_await listener->acceptor.async_accept(socket, peer, asio::as_tuple(asio::deferred));
    if (!ec) {
      open(*server, shard, std::move(socket), peer);
    } else if (listener->acceptor.is_open() && ec != asio::error::connection_aborted) {
      // Out of descriptors or memory, as a rule: it passes, and the connections wait in the backlog.
      warn_of_accept(*listener, server->clock(), ec);
      [[maybe_unused]] const bool came = co_await listener->pause.wait_for(accept_pause);
    }
  }
}

}  // namespace

struct Server::Impl {
  Impl(asio::io_context& acceptors, std::shared_ptr<ServerState> shared) : io(acceptors), state(std::move(shared)) {}

  asio::io_context& io;  // of the acceptor
  std::shared_ptr<ServerState> state;
  std::shared_ptr<Listener> listener;
  std::uint16_t port = 0;

  void close_listener() {
    if (listener) {
      asio::dispatch(io, [held = listener] { held->close(); });
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

void Server::listen(const std::string& address, std::uint16_t port) {
  if (impl_->listener) {
    throw_error(errc::invalid_argument, "this HTTP server listens already; make another one for a second address");
  }
  error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) {
    throw_cannot_listen(asio::error::invalid_argument, address, port);
  }
  auto listener = std::make_shared<Listener>(impl_->io, impl_->state->clock());
  tcp::acceptor& acceptor = listener->acceptor;
  const tcp::endpoint endpoint(ip, port);
  const auto check = [&] {
    if (ec) {
      throw_cannot_listen(ec, address, port);
    }
  };
  acceptor.open(endpoint.protocol(), ec);
  check();
  acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  check();
  if (ip.is_v6()) {
    acceptor.set_option(asio::ip::v6_only(false), ec);
    check();
  }
  acceptor.bind(endpoint, ec);
  check();
  acceptor.listen(tcp::acceptor::max_listen_connections, ec);
  check();
  impl_->port = acceptor.local_endpoint().port();
  impl_->listener = std::move(listener);
}

std::uint16_t Server::port() const noexcept {
  return impl_->port;
}

void Server::start() {
  if (!impl_->listener) {
    throw_error(errc::invalid_argument, "call listen before start: the HTTP server has no address yet");
  }
  impl_->state->enter();
  asio::co_spawn(impl_->io, accept_connections(impl_->listener, impl_->state),
                 [state = impl_->state](std::exception_ptr error) {
                   if (error) {
                     log::error("the HTTP server accepts no more connections", {{"error", describe(error)}});
                   }
                   state->leave();
                 });
}

void Server::stop_accepting() {
  impl_->close_listener();
  impl_->state->stop();
}

awaitable<bool> Server::drain(Deadline by) {
  stop_accepting();
  return ServerState::drained(impl_->state, by);
}

void Server::abort() {
  impl_->close_listener();
  impl_->state->abort();
}

std::size_t Server::connections() const noexcept {
  return impl_->state->connections();
}

}  // namespace tern::http
