#pragma once

#include "http/date_text.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace tern::http {

class ServerState;

/// Clients for whom there is no capacity. Each is told so at once (503), and is closed in stages so that it can read
/// it: nothing more is sent, what it still sends is dropped, and it is closed at its end or after a while. So many of
/// them may be on their way out; for one more the one that has been told for longest is closed.
///
/// Lifetime: each of them holds it.
/// Thread safety: none; everything happens on the acceptor's shard.
class Farewells final : public std::enable_shared_from_this<Farewells> {
 public:
  explicit Farewells(std::shared_ptr<ServerState> server);
  ~Farewells();
  Farewells(const Farewells&) = delete;
  Farewells& operator=(const Farewells&) = delete;

  /// `socket` belongs to the acceptor's shard.
  void say(asio::ip::tcp::socket socket);
  /// Closes the one that has been told for longest; false when there is none.
  bool close_oldest() noexcept;
  void close_all() noexcept;

 private:
  class One;
  struct List;

  std::string text();

  std::shared_ptr<ServerState> server_;
  DateText date_;
  std::size_t count_ = 0;
  std::unique_ptr<List> all_;  // the oldest first
};

}  // namespace tern::http
