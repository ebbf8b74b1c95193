#pragma once

#include "http/farewell.hpp"
#include "http/server_state.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace tern::http {

/// Accepts connections and deals them out to the shards. Whoever comes when there are enough, or when the process has
/// no descriptor left, is told 503 by `Farewells`.
///
/// It keeps a descriptor in reserve: where none is left it gives up that one, or the client that was told 503 for
/// longest, so that the next client can be accepted and told; nobody hangs in the backlog.
///
/// Lifetime: its coroutine holds it.
/// Thread safety: `listen` before `run`; then everything on the acceptor's shard.
class Acceptor {
 public:
  Acceptor(asio::io_context& io, std::shared_ptr<ServerState> server);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// As `Server::listen`; the port in use.
  std::uint16_t listen(const std::string& address, std::uint16_t port);
  /// Accepts until `close`.
  static awaitable<void> run(std::shared_ptr<Acceptor> self);
  /// Accepts no more.
  void close() noexcept;
  /// And closes those who were told 503.
  void abort() noexcept;

 private:
  void take(ShardState& shard, asio::ip::tcp::socket socket, const asio::ip::tcp::endpoint& peer);
  void refuse(asio::ip::tcp::socket socket, const asio::ip::tcp::endpoint& peer);
  bool reserve() noexcept;
  bool make_room() noexcept;
  void warn(const char* what, error_code why);

  asio::io_context& io_;
  std::shared_ptr<ServerState> server_;
  asio::ip::tcp::acceptor acceptor_;
  Timer pause_;
  std::optional<SteadyTime> warned_;
  int spare_ = -1;  // a descriptor in reserve
  std::shared_ptr<Farewells> farewells_;
};

}  // namespace tern::http
