#include "http/acceptor.hpp"

#include "http/describe.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

namespace tern::http {

using asio::ip::tcp;

namespace {

using namespace std::chrono_literals;

constexpr auto accept_pause = 100ms;
constexpr auto warn_interval = 1s;
constexpr auto longest_look = 50ms;  // the longest time for which a busy shard delays new clients

bool lacks_descriptors(error_code error) noexcept {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system;
}

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

// Preconditions: `endpoint` is one of TCP.
tcp::endpoint tcp_endpoint_of(const StreamProtocol::endpoint& endpoint) noexcept {
  tcp::endpoint made;
  std::memcpy(made.data(), endpoint.data(), std::min(endpoint.size(), made.capacity()));
  return made;
}

}  // namespace

Hop hop_of(const StreamProtocol::endpoint& peer) noexcept {
  const int family = peer.protocol().family();
  return family == AF_INET || family == AF_INET6 ? Hop(tcp_endpoint_of(peer).address()) : Hop();
}

Acceptor::Acceptor(asio::io_context& io, std::shared_ptr<ServerState> server)
    : io_(io),
      server_(std::move(server)),
      acceptor_(io),
      pause_(server_->clock(), io.get_executor()),
      farewells_(std::make_shared<Farewells>(server_)) {}

Acceptor::~Acceptor() {
  if (spare_ >= 0) {
    ::close(spare_);
  }
}

std::uint16_t Acceptor::listen(const std::string& address, std::uint16_t port, mode_t mode) {
  if (const auto path = unix_path(address)) {
    listen_on_file(std::string(*path), mode);
    return 0;
  }
  return listen_on_address(address, port);
}

std::uint16_t Acceptor::listen_on_address(const std::string& address, std::uint16_t port) {
  error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) {
    throw_cannot_listen(asio::error::invalid_argument, address, port);
  }
  const StreamProtocol::endpoint endpoint{tcp::endpoint(ip, port)};
  const auto check = [&] {
    if (ec) {
      throw_cannot_listen(ec, address, port);
    }
  };
  acceptor_.open(endpoint.protocol(), ec);
  check();
  acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
  check();
  if (ip.is_v6()) {
    acceptor_.set_option(asio::ip::v6_only(false), ec);
    check();
  }
  acceptor_.bind(endpoint, ec);
  check();
  acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  check();
  return tcp_endpoint_of(acceptor_.local_endpoint()).port();
}

// The mode is set before the file exists, so that it never lets in more than it should, and again behind the process's
// umask.
void Acceptor::listen_on_file(const std::string& path, mode_t mode) {
  file_.emplace(path);
  error_code ec;
  const auto check = [&](const char* advice) {
    if (ec) {
      throw Error(ec, "cannot listen on unix:" + path + ": " + ec.message() + advice);
    }
  };
  const StreamProtocol::endpoint endpoint{asio::local::stream_protocol::endpoint(path)};
  acceptor_.open(endpoint.protocol(), ec);
  check("");
  if (::fchmod(acceptor_.native_handle(), mode) != 0) {
    ec = error_code(errno, boost::system::system_category());
  }
  check("");
  acceptor_.bind(endpoint, ec);
  check("; the folder must be there, and the bot's user must be allowed to write to it");
  file_->made();
  if (::chmod(path.c_str(), mode) != 0) {
    ec = error_code(errno, boost::system::system_category());
  }
  check("; its mode cannot be set");
  acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  check("");
}

awaitable<void> Acceptor::run(std::shared_ptr<Acceptor> self) {
  auto& acceptor = self->acceptor_;
  bool made_room = false;
  while (acceptor.is_open()) {
    if (!std::exchange(made_room, false)) {  // a descriptor that was just freed is for the next client
      self->reserve();
    }
    ShardState& shard = self->server_->next_shard();
    StreamSocket socket(shard.shard.io);
    StreamProtocol::endpoint peer;
    const auto [ec] = co_await acceptor.async_accept(socket, peer, asio::as_tuple(asio::deferred));
    if (!ec) {
      if (self->server_->lacks_room()) {
        co_await self->have_others_look();
      }
      self->take(shard, std::move(socket), peer);
    } else if (lacks_descriptors(ec) && self->make_room()) {
      made_room = true;
      self->warn("no descriptors are left: new connections are answered 503 (ulimit -n, limits.connections)", ec);
    } else if (acceptor.is_open() && ec != asio::error::connection_aborted) {
      // The kernel usually lacks memory, for a short time. The connections wait in the backlog meanwhile.
      self->warn("connections cannot be accepted; trying again", ec);
      [[maybe_unused]] const bool came = co_await self->pause_.wait_for(accept_pause);
    }
  }
}

awaitable<void> Acceptor::have_others_look() {
  // Weak, because the queue of another shard may outlive the context of this acceptor.
  const bool waits = server_->look_elsewhere([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->pause_.cancel();
    }
  });
  if (waits) {
    [[maybe_unused]] const bool late = co_await pause_.wait_for(longest_look);
  }
}

void Acceptor::close() noexcept {
  error_code ignored;
  file_.reset();  // before nobody listens, so that another process may not take it for stale
  acceptor_.close(ignored);
  pause_.cancel();
}

void Acceptor::abort() noexcept {
  close();
  farewells_->close_all();
}

void Acceptor::take(ShardState& shard, StreamSocket socket, const StreamProtocol::endpoint& peer) {
  try {
    if (server_->full() && !server_->make_room()) {
      refuse(std::move(socket), peer);
    } else if (!reserve()) {
      server_->make_room();  // for the next client
      refuse(std::move(socket), peer);
    } else {
      server_->open(shard, std::move(socket), hop_of(peer));
    }
  } catch (...) {
    log::error("a connection could not be served", {{"error", describe(std::current_exception())}});
  }
}

// Moves the socket to the acceptor's shard first.
void Acceptor::refuse(StreamSocket socket, const StreamProtocol::endpoint& peer) {
  StreamSocket here(io_);
  here.assign(peer.protocol(), socket.release());
  farewells_->say(std::move(here));
}

// True when a descriptor is in reserve.
bool Acceptor::reserve() noexcept {
  if (spare_ < 0) {
    spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  return spare_ >= 0;
}

bool Acceptor::make_room() noexcept {
  if (spare_ >= 0) {
    ::close(std::exchange(spare_, -1));
    return true;
  }
  return farewells_->close_oldest();
}

void Acceptor::warn(const char* what, error_code why) {
  const SteadyTime now = server_->clock().now();
  if (!warned_ || now - *warned_ >= warn_interval) {
    warned_ = now;
    log::warn(what, {{"error", why.message()}});
  }
}

}  // namespace tern::http
