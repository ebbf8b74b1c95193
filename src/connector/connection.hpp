#pragma once

#include "connector/answer.hpp"
#include "connector/request_text.hpp"
#include "connector/sockets.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/metrics.hpp>
#include <tern/async/timing_wheel.hpp>
#include <tern/error.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace tern::connector {

class Connection;

/// How a request ended on its connection.
struct Exchange {
  enum class End {
    answered,  ///< the answer is there, whatever its status
    unsent,    ///< the kernel took no byte of the request
    lost       ///< some of it was written, and no whole answer came
  };
  End end = End::lost;
  error_code error;
  const char* why = nullptr;  ///< what to say instead of the error, where that says less
};

/// How many connections are open, and the gauge that shows it.
struct OpenConnections {
  std::size_t count = 0;
  Gauge gauge;
};

/// Told when an unused connection has reached its time. May destroy the connection.
class ConnectionKeeper {
 public:
  virtual void on_idle_expired(Connection& connection) noexcept = 0;

 protected:
  ~ConnectionKeeper() = default;
};

/// The certificates and settings of TLS, without OpenSSL's headers.
class TlsSettings {
 public:
  /// Errors: `system_error` when the system's trust store cannot be read.
  explicit TlsSettings(bool verify);
  ~TlsSettings();
  TlsSettings(const TlsSettings&) = delete;
  TlsSettings& operator=(const TlsSettings&) = delete;

  struct Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// One connection to a host, and the buffers that serve one request after the other. It may be connected again after
/// it was closed. As a wheel entry it is the deadline of what it does: while it carries a request or connects,
/// expiry closes it; while it is kept, expiry tells the keeper.
///
/// One operation at a time. The operations do not throw for what the network does.
/// Cancellation: ends them with `operation_aborted` in their error.
class Connection : public TimingWheel::Entry, public IdleSocket {
 public:
  ~Connection() override = default;

  /// Connects to `where`, with the TLS handshake where there is one.
  virtual awaitable<error_code> connect(asio::ip::tcp::endpoint where) = 0;
  /// Writes `request` and reads the answer into `answer`.
  /// Lifetime: `request` outlives the operation.
  virtual awaitable<Exchange> exchange(const RequestText& request) = 0;
  /// Open, and the peer has sent nothing: neither its end nor bytes that belong to no request. Never blocks.
  virtual bool quiet() noexcept = 0;
  /// Ends what runs on it. TLS is not shut down: its closing message may block, and framing by length needs none.
  virtual void close() noexcept = 0;

  bool open() const noexcept { return open_; }
  /// The deadline has closed it.
  bool expired() const noexcept { return expired_; }
  /// Begins an operation: an earlier expiry is forgotten.
  void begin() noexcept { expired_ = false; }
  /// Who is told when it is unused for too long; nullptr while it is used.
  void set_keeper(ConnectionKeeper* keeper) noexcept { keeper_ = keeper; }

  Answer answer;

  /// For its descriptor, and kept while it is closed and waits to be connected again.
  SocketPlace place;

  /// From then on it carries no further request.
  SteadyTime retires_at = SteadyTime::max();

  /// Its place among the connections in use.
  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> in_use;

 protected:
  explicit Connection(OpenConnections& counted) noexcept : counted_(counted) {}
  void opened() noexcept;
  void closed() noexcept;

 private:
  void on_expired() noexcept final;
  void close_idle() noexcept final { keeper_->on_idle_expired(*this); }

  OpenConnections& counted_;
  ConnectionKeeper* keeper_ = nullptr;
  bool open_ = false;
  bool expired_ = false;
};

/// What all connections of a client have in common. Outlives them.
struct ConnectionSetup {
  asio::io_context& io;
  OpenConnections& counted;
  std::size_t response_body;
};

/// A connection over TCP, or with `tls` over TLS to a service whose certificate names `host`. Not connected yet.
std::unique_ptr<Connection> make_connection(const ConnectionSetup& setup, TlsSettings* tls, const std::string& host);

}  // namespace tern::connector
