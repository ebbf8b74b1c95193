#pragma once

#include "net/addresses.hpp"
#include "net/connection.hpp"
#include "net/sockets.hpp"
#include "net/waiter.hpp"

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tern::net {

class Host;

/// A connection that a call has borrowed from its host. Its destructor gives the connection back.
class Loan {
 public:
  Loan() = default;
  Loan(Host& host, std::unique_ptr<Connection> connection) noexcept;
  Loan(Loan&& other) noexcept;
  Loan& operator=(Loan&& other) noexcept;
  ~Loan() { end(); }

  void end() noexcept;
  explicit operator bool() const noexcept { return connection_ != nullptr; }
  Connection& operator*() const noexcept { return *connection_; }
  Connection* operator->() const noexcept { return connection_.get(); }
  /// Replaces the connection by another one, which has a permit of its own. The old connection is destroyed.
  void replace(std::unique_ptr<Connection> connection) noexcept { connection_ = std::move(connection); }
  /// Replaces the connection by a new one, which takes over the permit of the old one.
  void fill(std::unique_ptr<Connection> connection) noexcept;

 private:
  Host* host_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

/// A coroutine that waits for a connection.
class LoanWaiter final : public Waiter {
 public:
  Loan loan;
};

/// The setup of all hosts of a client. Lifetime: it outlives them.
struct HostSetup {
  ConnectionSetup connection;
  Sockets& sockets;
  TimingWheel& wheel;
  Clock& clock;
  std::size_t in_flight;
  std::chrono::milliseconds idle_timeout;
  std::chrono::milliseconds attempt_delay;
  std::chrono::milliseconds connection_lifetime;
};

/// What a host is, and how it is reached.
struct HostSpec {
  std::string origin;      ///< `http://host:port` in lower case
  std::string header;      ///< the Host header
  std::string name;        ///< the name or literal address to connect to: that of the host, or of the proxy before it
  std::uint16_t port = 0;  ///< at that address
  Peer peer;
  std::string proxy;  ///< `http://host:port` of the proxy that a tunnel leads through; "" without one
};

/// A host that requests go to, with its connections and the calls that wait for one.
///
/// A host has at most `in_flight` connections, used and kept. The connection that was kept last is used first, so that
/// the others grow old and are closed. A connection that has reached its lifetime is closed when its exchange ends, so
/// that the name of a busy host is resolved again and the client follows when the host moves. Calls get connections in
/// the order in which they came. Each connection also needs a permit of `Sockets`; when none is free, the host waits
/// for one in line with the other hosts.
class Host final : public ConnectionKeeper, public boost::intrusive::list_base_hook<>, public SocketSeeker {
 public:
  Host(const HostSetup& setup, HostSpec spec);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const std::string& origin() const noexcept { return spec_.origin; }
  const std::string& header() const noexcept { return spec_.header; }
  bool has_proxy() const noexcept { return !spec_.proxy.empty(); }
  /// The origin, with the proxy before it, for texts that people read.
  std::string way() const;

  /// Lends a connection, if one is free and no call waits. It may have to be connected first.
  Loan try_take();
  /// True when the borrowed connection can carry a request at once. Kept connections that the peer has closed are
  /// dropped on the way. False: the connection must be connected first.
  bool find_usable(Loan& loan) noexcept;
  const WaitQueue& line() const noexcept { return line_; }
  /// Puts the waiter at the end of the line. Call it when `try_take` had no connection.
  void wait(LoanWaiter& waiter) noexcept;

  /// Closes the kept connections, and keeps none from now on.
  void stop_keeping() noexcept;
  /// Closes all connections and ends all waits with `operation_aborted`.
  void abort() noexcept;

  bool aborted() const noexcept { return aborted_; }
  bool has_answered() const noexcept { return has_answered_; }
  /// The host has answered a call, with any status.
  void becomes_known() noexcept;

  /// Makes a connection for a race. It is not connected yet, and `abort` closes it.
  std::unique_ptr<Connection> new_connection();
  /// The time at which a connection made now is retired. It is up to an eighth earlier than `connection_lifetime`, so
  /// that connections made together do not all end together.
  SteadyTime next_retirement() noexcept;

  /// A request was written and not answered in time. True when requests get more time from now on, which happens after
  /// two late answers in a row.
  bool was_late() noexcept;
  /// A request was answered, within `request_timeout` or not. After 16 answers within that time, the extra time is
  /// halved.
  void answered(bool in_usual_time) noexcept;

  const std::string& name() const noexcept { return spec_.name; }
  std::uint16_t port() const noexcept { return spec_.port; }

  /// True when the host is in a list of hosts without calls.
  bool is_idle() const noexcept { return boost::intrusive::list_base_hook<>::is_linked(); }
  /// Calls under way to this host. A host that has calls, or is being resolved, is not forgotten.
  std::size_t calls = 0;
  bool resolving = false;
  WaitQueue resolve_line;
  WaitQueue races;  ///< the races that wait for their attempts to connect
  /// The usual time for a request is multiplied by this (1, 2 or 4), if the caller's deadline allows it.
  int patience = 1;
  Addresses addresses;

 private:
  friend class Loan;
  Loan take_new(SocketPermit permit);
  std::unique_ptr<Connection> take_kept() noexcept;
  void give_back(std::unique_ptr<Connection> connection) noexcept;
  void give_up(std::unique_ptr<Connection> connection) noexcept;
  void seek() noexcept;
  bool on_socket(SocketPermit& permit) noexcept override;
  bool keep(std::unique_ptr<Connection>& connection, SteadyTime now) noexcept;
  void on_idle_expired(Connection& connection) noexcept override;
  using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using InUse = boost::intrusive::list<Connection, boost::intrusive::member_hook<Connection, Hook, &Connection::in_use>,
                                       boost::intrusive::constant_time_size<false>>;

  const HostSetup& setup_;
  HostSpec spec_;
  std::size_t used_ = 0;
  bool keeping_ = true;
  bool aborted_ = false;
  bool has_answered_ = false;
  InUse in_use_;
  std::vector<std::unique_ptr<Connection>> kept_;  // the connection that was used last is last
  WaitQueue line_;
  int connected_ = 0;  // connections made, modulo eight
  int late_in_row_ = 0;
  int timely_in_row_ = 0;
};

}  // namespace tern::net
