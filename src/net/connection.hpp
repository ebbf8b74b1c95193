#pragma once

#include "async/timing_wheel.hpp"
#include "net/answer.hpp"
#include "net/sockets.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/metrics.hpp>
#include <tern/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace tern::net {

class Connection;

/// How a request ended on its connection.
struct Exchange {
  enum class End {
    answered,  ///< a complete answer came, with any status
    unsent,    ///< the kernel took no byte of the request
    lost       ///< a part of the request was written, and no complete answer came
  };
  End end = End::lost;
  error_code error;
  const char* why = nullptr;  ///< when it is set, a better text than that of `error`
  bool begun = false;         ///< a byte of the answer came
  bool malformed = false;     ///< what came is no answer, or exceeds a limit
};

/// The number of open connections, and its gauge.
struct OpenConnections {
  std::size_t count = 0;
  Gauge gauge;
};

/// Is told when a kept connection was unused for too long. May destroy the connection.
class ConnectionKeeper {
 public:
  virtual void on_idle_expired(Connection& connection) noexcept = 0;

 protected:
  ~ConnectionKeeper() = default;
};

/// The certificates and settings of TLS. This header includes no header of OpenSSL.
class TlsSettings {
 public:
  /// `more_authorities`: a file of certificates (PEM) that are trusted like those of the system; "" for none.
  /// Errors: `system_error` when the system's trust store or the file cannot be read.
  explicit TlsSettings(bool verify, const std::string& more_authorities = {});
  ~TlsSettings();
  TlsSettings(const TlsSettings&) = delete;
  TlsSettings& operator=(const TlsSettings&) = delete;

  struct Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// A connection to a host, with buffers for one request after the other. It may be connected again after it was closed.
/// The connection is an entry of the wheel: when the entry expires during an operation, the connection is closed; when
/// it expires while the connection is kept, the keeper is told.
///
/// Preconditions: one operation at a time.
/// Errors: the operations throw nothing for failures of the network; they return the error.
/// Cancellation: the operation returns `operation_aborted`.
class Connection : public TimingWheel::Entry, public IdleSocket {
 public:
  ~Connection() override = default;

  /// Connects to `where`, asks the proxy there for a tunnel if the peer has one, and does the TLS handshake of an https
  /// host.
  virtual awaitable<error_code> connect(asio::ip::tcp::endpoint where) = 0;
  /// Writes `request` and reads the answer into `answer`. `bodiless`: the answer has no body (HEAD). An answer that
  /// came although the request could not be written to its end counts. It is read only after the writing, so a peer
  /// that takes no more of the request and does not close the connection is waited for until the deadline.
  ///
  /// Lifetime: the memory of `request` outlives the operation.
  virtual awaitable<Exchange> exchange(asio::const_buffer request, bool bodiless) = 0;
  /// True when the connection is open and the peer has sent neither its end nor bytes that belong to no request. Never
  /// blocks.
  virtual bool quiet() noexcept = 0;
  /// Closes the connection, and ends the operation under way. TLS sends no closing message: sending it may block, and
  /// requests with a length do not need it.
  virtual void close() noexcept = 0;

  bool open() const noexcept { return open_; }
  /// True when the deadline has closed the connection.
  bool expired() const noexcept { return expired_; }
  /// Call it before an operation: it forgets an earlier expiry.
  void begin() noexcept { expired_ = false; }
  /// Sets the keeper while the connection is kept; nullptr while it is used.
  void set_keeper(ConnectionKeeper* keeper) noexcept { keeper_ = keeper; }

  Answer answer;

  /// The permit for the descriptor. A closed connection that waits to be connected again keeps it.
  SocketPermit permit;

  /// From this time on the connection gets no further request.
  SteadyTime retires_at = SteadyTime::max();

  /// Links the connection into the host's list of used connections.
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

/// The setup of all connections of a client. Lifetime: it outlives them.
struct ConnectionSetup {
  asio::io_context& io;
  OpenConnections& counted;
  std::size_t response_body;
  bool keep_headers = false;  ///< fills `Answer::headers`
};

/// Whom a connection is for.
struct Peer {
  TlsSettings* tls = nullptr;  ///< nullptr for a connection without TLS. Lifetime: it outlives the operations
  std::string name;            ///< the name or literal address in the certificate of an https host
  std::string tunnel;          ///< the CONNECT request to a proxy, for an https host behind one; "" without a proxy
};

/// Makes a connection, which is not connected yet: over TCP, or over TLS to a service whose certificate names the peer.
std::unique_ptr<Connection> make_connection(const ConnectionSetup& setup, const Peer& peer);

}  // namespace tern::net
