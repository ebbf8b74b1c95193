#pragma once

#include "http/host.hpp"
#include "http/http_types.hpp"

#include <tern/async/deadline.hpp>
#include <tern/async/metrics.hpp>
#include <tern/async/timing_wheel.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tern::http {

/// The bounds of a server. All of them hold for each connection, except the first two.
struct ServerLimits {
  std::size_t connections = 10'000;  ///< of one server; one more is answered 503 and closed
  std::size_t refusals = 256;        ///< connections that were told so and are only being closed; at least one
  std::size_t body = 256 * 1024;     ///< bytes of a request's body; more is answered 413
  std::size_t header = 16 * 1024;    ///< bytes of request line and header together, and of all that comes with the
                                     ///< chunks of a body; more is answered 431
  std::chrono::milliseconds header_timeout{10'000};  ///< from the first byte (a new connection: from its acceptance)
  std::chrono::milliseconds body_timeout{30'000};    ///< from the end of the header to the end of the body
  std::chrono::milliseconds idle_timeout{75'000};    ///< between a response and the next request
  std::chrono::milliseconds write_timeout{30'000};   ///< for one response, or one piece of a `BodySource`
  std::size_t requests_per_connection = 0;           ///< then the connection is closed; 0: no limit
};

/// A thread that serves connections. `wheel` runs on `io`, and one thread alone runs `io`.
struct ServerShard {
  asio::io_context& io;
  TimingWheel& wheel;
};

/// An HTTP/1.1 server. A connection stays on the shard it was dealt to.
///
/// Lifetime: handler, clock, metrics and shards outlive the server. What it started ends by itself after `abort`,
/// or is destroyed with its `io_context`; handler and clock must live until then, the metrics while a shard runs.
/// Thread safety: `port`, `connections`, `stop_accepting`, `drain` and `abort` from any thread; they take effect on the
/// shards, soon after. `listen`, `serve_hosts` and `start` before the others, from one thread.
class Server {
 public:
  /// Preconditions: at least one shard.
  Server(std::vector<ServerShard> shards, HttpHandler& handler, ServerLimits limits, Clock& clock, Metrics& metrics);
  /// As `abort`.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and listens; `start` accepts. `address`: an IPv4 or IPv6 address (`::` takes IPv4 too). `port`: 0 for a
  /// free one.
  /// Errors: `system_error` whose text names the address, the port and what to do.
  void listen(const std::string& address, std::uint16_t port);

  /// Which hosts are served, on all shards; every one where this is not called. Before `start`.
  void serve_hosts(const ServedHosts& hosts);

  /// The port in use, the real one when 0 was asked for; 0 before `listen`.
  std::uint16_t port() const noexcept;

  /// Accepts connections and deals them out to the shards, one after the other.
  /// Preconditions: `listen`.
  void start();

  /// Refuses new connections from now on, closes idle ones, and closes the others after the response under way.
  void stop_accepting();

  /// As `stop_accepting`, then waits until no exchange is under way, at most until `by`. False when there still is one.
  awaitable<bool> drain(Deadline by);

  /// Closes all connections now. A handler that runs goes on to its end; its response is dropped.
  void abort();

  /// Connections that are open, among them those which are only being closed.
  std::size_t connections() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tern::http
