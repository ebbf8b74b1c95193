#pragma once

#include "http/farewell.hpp"
#include "http/server_state.hpp"
#include "http/stream_socket.hpp"
#include "http/unix_socket_file.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace tern::http {

/// Accepts connections and deals them out to the shards. When the server is full, an expendable connection gives way to
/// the new one; before a client is refused, the shards look for clients that have ended. When no connection is
/// expendable, or the process has no descriptor left, `Farewells` answers the new client with 503.
///
/// The acceptor keeps one descriptor in reserve. When no other is left, it closes the reserve, or the refused client
/// that was answered first. So the next client can be accepted and answered, and no client waits in the backlog for
/// long.
///
/// Lifetime: its coroutine keeps it alive.
/// Thread safety: `listen` before `run`; then everything on the acceptor's shard.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(asio::io_context& io, std::shared_ptr<ServerState> server);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// As `Server::listen`. Returns the port in use.
  std::uint16_t listen(const std::string& address, std::uint16_t port, mode_t mode);
  /// Accepts until `close`.
  static awaitable<void> run(std::shared_ptr<Acceptor> self);
  /// Stops accepting.
  void close() noexcept;
  /// Stops accepting, and closes the clients that were answered with 503.
  void abort() noexcept;

 private:
  awaitable<void> have_others_look();
  std::uint16_t listen_on_address(const std::string& address, std::uint16_t port);
  void listen_on_file(const std::string& path, mode_t mode);
  void take(ShardState& shard, StreamSocket socket, const StreamProtocol::endpoint& peer);
  void refuse(StreamSocket socket, const StreamProtocol::endpoint& peer);
  bool reserve() noexcept;
  bool make_room() noexcept;
  void warn(const char* what, error_code why);

  asio::io_context& io_;
  std::shared_ptr<ServerState> server_;
  asio::basic_socket_acceptor<StreamProtocol> acceptor_;
  std::optional<UnixSocketFile> file_;
  Timer pause_;
  std::optional<SteadyTime> warned_;
  int spare_ = -1;  // a descriptor in reserve
  std::shared_ptr<Farewells> farewells_;
};

}  // namespace tern::http
