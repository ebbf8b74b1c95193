#pragma once

#include "connector/addresses.hpp"
#include "connector/connection.hpp"
#include "connector/service_url.hpp"
#include "connector/sockets.hpp"
#include "connector/waiter.hpp"

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace tern::connector {

class Host;

/// A place on a host, with the connection that fills it. Gives both back when it ends, however it ends.
class Lease {
 public:
  Lease() = default;
  Lease(Host& host, std::unique_ptr<Connection> connection) noexcept;
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { end(); }

  void end() noexcept;
  explicit operator bool() const noexcept { return connection_ != nullptr; }
  Connection& operator*() const noexcept { return *connection_; }
  Connection* operator->() const noexcept { return connection_.get(); }
  /// Puts another connection, which has a place for its descriptor, into the place. The old one is destroyed.
  void replace(std::unique_ptr<Connection> connection) noexcept { connection_ = std::move(connection); }
  /// Puts a new connection into the place, which takes over the descriptor's place of the old one.
  void fill(std::unique_ptr<Connection> connection) noexcept;

 private:
  Host* host_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

/// A coroutine that waits for a place.
class PlaceWaiter final : public Waiter {
 public:
  Lease lease;
};

/// What the hosts of a client share. Outlives them.
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

/// One place that requests go to: its connections, and who waits for one.
///
/// At most `in_flight` connections, used and kept. The one kept last is used first, so that the others grow old and
/// are closed. One that has reached its time is closed when its exchange ends, so that a busy host is looked up anew
/// and followed where it moves. While somebody waits, what is given back goes to the first in line, and who comes later
/// stands behind. Each connection needs one of the `Sockets`, too: where there is none, the host stands in line for it
/// with the others.
class Host final : public ConnectionKeeper, public boost::intrusive::list_base_hook<>, public SocketSeeker {
 public:
  Host(const HostSetup& setup, const ServiceUrl& url, std::string origin, TlsSettings* tls);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// `http://host:port`, lower case.
  const std::string& origin() const noexcept { return origin_; }
  const std::string& header() const noexcept { return header_; }

  /// A place, if one is free and nobody stands in line. Its connection may have to be connected first.
  Lease try_take();
  /// True when the lease's connection can carry a request at once; kept connections that the peer has closed are
  /// dropped on the way. False: it must be connected.
  bool find_usable(Lease& lease) noexcept;
  const WaitQueue& line() const noexcept { return line_; }
  /// After `try_take` had none: at the end of the line.
  void wait(PlaceWaiter& waiter) noexcept;

  /// Closes the kept connections; what is given back is kept no more.
  void stop_keeping() noexcept;
  /// Closes all connections and ends all waits with `operation_aborted`.
  void abort() noexcept;

  bool aborted() const noexcept { return aborted_; }
  bool has_answered() const noexcept { return has_answered_; }
  /// Any call, whatever it answered.
  void becomes_known() noexcept;

  /// A connection that is not connected yet, for the race for a place that somebody has. `abort` closes it.
  std::unique_ptr<Connection> new_connection();
  /// When a connection made now is to be used no more. Those made at the same time do not all end at the same time: it
  /// is up to an eighth earlier than the setup says.
  SteadyTime next_retirement() noexcept;

  /// A request was written and not answered in time. True when it is given more time from now on: twice in a row that
  /// is no chance.
  bool was_late() noexcept;
  /// One was answered, in the usual time or not. After some that were the extra time is taken back.
  void answered(bool in_usual_time) noexcept;

  const std::string& name() const noexcept { return name_; }

  /// In a list of hosts with nothing to do.
  bool is_idle() const noexcept { return boost::intrusive::list_base_hook<>::is_linked(); }
  /// Calls under way to this host. A host with calls, or that is being resolved, is not forgotten.
  std::size_t calls = 0;
  bool resolving = false;
  WaitQueue resolve_line;
  WaitQueue races;  ///< who waits for an attempt to connect
  /// How many times `connector.request_timeout` a request may take whose caller allows it: 1, 2 or 4.
  int patience = 1;
  Addresses addresses;

 private:
  friend class Lease;
  Lease take_new(SocketPlace place);
  std::unique_ptr<Connection> take_kept() noexcept;
  void give_back(std::unique_ptr<Connection> connection) noexcept;
  void give_up(std::unique_ptr<Connection> connection) noexcept;
  void seek() noexcept;
  bool on_socket(SocketPlace& place) noexcept override;
  bool keep(std::unique_ptr<Connection>& connection, SteadyTime now) noexcept;
  void on_idle_expired(Connection& connection) noexcept override;
  using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using InUse = boost::intrusive::list<Connection, boost::intrusive::member_hook<Connection, Hook, &Connection::in_use>,
                                       boost::intrusive::constant_time_size<false>>;

  const HostSetup& setup_;
  std::string origin_;
  std::string header_;
  std::string name_;
  TlsSettings* tls_;
  std::size_t used_ = 0;
  bool keeping_ = true;
  bool aborted_ = false;
  bool has_answered_ = false;
  InUse in_use_;
  std::vector<std::unique_ptr<Connection>> kept_;  // the one used last is last
  WaitQueue line_;
  int connected_ = 0;  // counts to eight
  int late_in_row_ = 0;
  int timely_in_row_ = 0;
};

}  // namespace tern::connector
