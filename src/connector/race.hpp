#pragma once

#include "connector/host.hpp"
#include "connector/waiter.hpp"

#include <tern/async/awaitable.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <vector>

namespace tern::connector {

/// Connects to one of a host's addresses, whichever is there first (RFC 8305, section 5). The next attempt begins
/// `HostSetup::attempt_delay` after the one before, or at once when one fails, and sooner where time would not suffice
/// for all addresses. An attempt includes its TLS handshake. The attempts of one race take one of the host's places;
/// each beside the first takes one more of the `Sockets`, or that of the oldest.
///
/// Lifetime: the host outlives the race. Attempts that lost are closed with the race; what is left of them ends in the
///   event loop, and keeps `owner` until then.
/// Cancellation: ends all attempts.
class Race {
 public:
  Race(const HostSetup& setup, Host& host, std::shared_ptr<void> owner);
  ~Race();
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;

  /// Runs the race, once. Fails with `errc::timed_out` at `by`, with `operation_aborted` when it was cancelled or the
  /// host is at its end, and with what the last attempt failed with when there is no address left.
  awaitable<error_code> run(std::vector<asio::ip::tcp::endpoint> addresses, Deadline by);

  /// After success: the connection, and the address that it leads to.
  std::unique_ptr<Connection> take_winner() noexcept;
  const asio::ip::tcp::endpoint& where() const noexcept { return where_; }

 private:
  struct Attempt;
  SocketPlace make_room();
  static void abandon(Attempt& attempt) noexcept;
  void start(const asio::ip::tcp::endpoint& where);
  void ended(Attempt& attempt, std::exception_ptr thrown, error_code error) noexcept;

  const HostSetup& setup_;
  Host& host_;
  std::shared_ptr<void> owner_;
  std::vector<std::shared_ptr<Attempt>> attempts_;  // those under way
  std::unique_ptr<Connection> winner_;
  asio::ip::tcp::endpoint where_;
  error_code error_;           // of the attempt that failed last
  std::exception_ptr thrown_;  // by an attempt
  SteadyTime next_at_{};       // when the next attempt begins
  Waiter waiter_;
};

}  // namespace tern::connector
