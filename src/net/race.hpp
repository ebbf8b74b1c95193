#pragma once

#include "net/host.hpp"
#include "net/waiter.hpp"

#include <tern/async/awaitable.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <vector>

namespace tern::net {

/// Connects to the address of a host that answers first (RFC 8305, section 5). The next attempt begins
/// `HostSetup::attempt_delay` after the last one, or at once when an attempt fails; the delay is shorter when there
/// would not be time for all addresses. An attempt includes its TLS handshake. All attempts of a race count as one
/// connection of the host. Each attempt beside the first needs a permit of `Sockets`; when none is free, the oldest
/// attempt ends and gives up its permit.
///
/// Lifetime: the host outlives the race. The race closes the attempts that have lost. Their coroutines end in the event
///   loop later, and keep `owner` alive until then.
/// Cancellation: ends all attempts.
class Race {
 public:
  Race(const HostSetup& setup, Host& host, std::shared_ptr<void> owner);
  ~Race();
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;

  /// Runs the race; call it once. Fails with `errc::timed_out` at `by`, with `operation_aborted` after a cancellation
  /// or `Host::abort`, and with the error of the last attempt when all addresses have failed.
  awaitable<error_code> run(std::vector<asio::ip::tcp::endpoint> addresses, Deadline by);

  /// After success: the connection, and the address that it leads to.
  std::unique_ptr<Connection> take_winner() noexcept;
  const asio::ip::tcp::endpoint& where() const noexcept { return where_; }

 private:
  struct Attempt;
  SocketPermit make_room();
  static void abandon(Attempt& attempt) noexcept;
  void start(const asio::ip::tcp::endpoint& where);
  void ended(Attempt& attempt, std::exception_ptr thrown, error_code error) noexcept;

  const HostSetup& setup_;
  Host& host_;
  std::shared_ptr<void> owner_;
  std::vector<std::shared_ptr<Attempt>> attempts_;  // under way, the oldest first
  std::unique_ptr<Connection> winner_;
  asio::ip::tcp::endpoint where_;
  error_code error_;           // of the attempt that failed last
  std::exception_ptr thrown_;  // an attempt has thrown it
  SteadyTime next_at_{};       // when the next attempt begins
  Waiter waiter_;
};

}  // namespace tern::net
