#pragma once

#include "async/timing_wheel.hpp"
#include "http/host.hpp"
#include "http/http_types.hpp"
#include "http/large_bodies.hpp"
#include "http/tls_context.hpp"
#include "http/trusted_proxies.hpp"

#include <tern/async/deadline.hpp>
#include <tern/async/metrics.hpp>

#include <boost/asio/io_context.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tern::http {

/// The bounds of a server. The first three count for the whole server, the others for each connection.
struct ServerLimits {
  std::size_t connections = 10'000;  ///< open connections; for one more, an expendable connection is closed, or the new
                                     ///< connection is answered 503 and closed
  std::size_t refusals = 256;        ///< connections that were answered 503 and are being closed; at least one
  std::size_t gone = 100'000;        ///< connections whose clients have gone while their requests are handled; one more
                                     ///< counts as an open connection until its handler has ended
  std::size_t body = 256 * 1024;     ///< bytes of a request's body; a larger one is answered 413
  std::shared_ptr<const LargeBodies> large_bodies = nullptr;  ///< exceptions from `body`; nullptr for none
  std::size_t header = 16 * 1024;  ///< bytes of request line and header together, and again of the lines between the
                                   ///< chunks of a body; more is answered 431
  std::chrono::milliseconds header_timeout{10'000};  ///< from the first byte, or from the start of a new connection
  std::chrono::milliseconds body_timeout{30'000};    ///< from the end of the header to the end of the body
  std::chrono::milliseconds idle_timeout{75'000};    ///< between a response and the next request
  std::chrono::milliseconds write_timeout{30'000};   ///< for one response, or for one piece of a `BodySource`
  std::chrono::milliseconds closing_time{1'000};     ///< for the rest of a request, when the server begins to close
  std::size_t requests_per_connection = 0;           ///< the connection is closed after so many; 0: no limit
};

/// A thread that serves connections. `wheel` runs on `io`, and only one thread runs `io`.
///
/// Lifetime: what runs on one shard uses the others, so the threads of all shards of a server end before one shard is
/// destroyed.
struct ServerShard {
  asio::io_context& io;
  TimingWheel& wheel;
};

/// An HTTP/1.1 server. A connection stays on its shard.
///
/// Lifetime: handler, clock, metrics and shards outlive the server. The sessions end by themselves after `abort`, or
/// are destroyed with their `io_context`. Handler and clock must exist until then, and the metrics while a shard runs.
/// Thread safety: `serve_tls`, `port`, `connections`, `stop_accepting`, `drain` and `abort` from any thread; they take
/// effect on the shards, soon after the call. Call `listen`, `serve_hosts`, `trust`, `serve_tls` and `start` before the
/// others, from one thread.
class Server {
 public:
  /// Preconditions: at least one shard.
  Server(std::vector<ServerShard> shards, HttpHandler& handler, ServerLimits limits, Clock& clock, Metrics& metrics);
  /// Calls `abort`.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and listens; `start` accepts. `address`: an IPv4 or IPv6 address (`::` accepts IPv4 too). `port`: 0 for a
  /// free port. Or `unix:` and the path of a Unix socket, without a port: its file gets `mode`, replaces one that
  /// nobody listens on any more, and is removed when the server accepts no more. Errors: `system_error` whose text
  /// names the address, the port and what to do.
  void listen(const std::string& address, std::uint16_t port, mode_t mode = 0660);

  /// Sets the hosts that are served. Without this call every host is served. Call it before `start`.
  void serve_hosts(const ServedHosts& hosts);

  /// Believes these proxies when they say who their clients are (`HttpRequest::peer`). Without this call nobody is
  /// believed. Call it before `start`.
  void trust(TrustedProxies proxies);

  /// New connections begin with TLS from now on, with this certificate; earlier connections keep the certificate that
  /// they began with. The first call is before `start`; a later one may come from any thread.
  void serve_tls(std::shared_ptr<const TlsContext> tls);

  /// The port in use, also when `listen` got 0; 0 before `listen`, and for a Unix socket.
  std::uint16_t port() const noexcept;

  /// Accepts connections and deals them out to the shards, one after the other.
  /// Preconditions: `listen`.
  void start();

  /// Refuses new connections, closes idle connections, and closes the others after the response under way. A request
  /// that is not complete after `closing_time` is answered 503.
  void stop_accepting();

  /// Calls `stop_accepting` and waits until no request is under way, at most until `by`. False when there still is one.
  awaitable<bool> drain(Deadline by);

  /// Closes all connections now. A running handler goes on to its end, and its response is dropped.
  void abort();

  /// The number of open connections. Connections that are being closed count, and connections whose clients have gone
  /// do not.
  std::size_t connections() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tern::http
