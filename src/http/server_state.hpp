#pragma once

#include "async/log_pace.hpp"
#include "http/date_text.hpp"
#include "http/handshakes.hpp"
#include "http/host.hpp"
#include "http/rejection.hpp"
#include "http/server.hpp"
#include "http/session.hpp"
#include "http/slow_handlers.hpp"
#include "http/stream_socket.hpp"
#include "http/trusted_proxies.hpp"
#include "http/upgraded_connection.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/timer.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tern::http {

/// The state of the server on one shard. It is used on that shard's thread only, except the atomic members.
struct ShardState {
  ShardState(ServerShard s, Clock& clock) : shard(s), slow(s.wheel, clock) {}
  ServerShard shard;
  SessionList sessions;
  SlowHandlers slow;
  ExpendableList lingering;                  // sessions that wait for their clients' end; they give way first
  ExpendableList expendable;                 // the session that became expendable first in front
  std::atomic<std::size_t> expendables = 0;  // the size of both lists; read by the acceptor
  std::atomic<std::size_t> claims = 0;       // how many of these sessions the acceptor has asked to give way
  std::atomic<bool> looking = false;         // the acceptor has asked the shard to look at its clients
  ServedHosts hosts;
  DateText date;
};

/// The state that all sessions share. It may outlive the `Server`, because each session keeps it alive.
class ServerState : public std::enable_shared_from_this<ServerState> {
 public:
  ServerState(std::vector<ServerShard> shards, HttpHandler& handler, ServerLimits limits, Clock& clock,
              Metrics& metrics);

  HttpHandler& handler() noexcept { return handler_; }
  const ServerLimits& limits() const noexcept { return limits_; }
  Clock& clock() noexcept { return clock_; }

  /// True once no new request may begin.
  bool closing() const noexcept { return closing_.load(std::memory_order_relaxed); }
  /// When requests that are not complete are answered 503; `SteadyTime::max()` before `stop`.
  SteadyTime closing_by() const noexcept { return closing_by_.load(std::memory_order_relaxed); }
  /// True once every connection must be closed at once.
  bool aborted() const noexcept { return aborted_.load(std::memory_order_relaxed); }
  std::size_t connections() const noexcept { return open_.load(std::memory_order_relaxed); }

  /// The shard for the next connection. Call it on the acceptor's thread only.
  ShardState& next_shard() noexcept;
  ServerShard& first_shard() noexcept { return shards_.front()->shard; }
  /// Call it before any session begins.
  void serve_hosts(const ServedHosts& hosts);
  /// Call it before any session begins.
  void trust(TrustedProxies proxies) { proxies_ = std::move(proxies); }
  /// nullptr when nobody is trusted.
  const TrustedProxies* proxies() const noexcept { return proxies_.empty() ? nullptr : &proxies_; }
  /// As `Server::serve_tls`.
  void serve_tls(std::shared_ptr<const TlsContext> tls);
  /// True when connections begin with a handshake. It does not change once the server accepts.
  bool secured() const noexcept { return handshakes_ != nullptr; }
  /// Preconditions: `secured`.
  Handshakes& handshakes() noexcept { return *handshakes_; }
  /// True when the server has as many connections as it may have. Connections that are being refused or give way do not
  /// count.
  bool full() const noexcept { return open_.load() >= limits_.connections + rejecting_.load() + yielding_.load(); }
  /// Asks a shard to let a connection give way: one that lingers, or else the one that became expendable first. False
  /// when there is none. Call it on the acceptor's thread only.
  bool make_room() noexcept;
  /// True when one more connection would be refused. It looks at the unwatched clients of the acceptor's shard first.
  /// Call it on the acceptor's thread only.
  bool lacks_room() noexcept;
  /// Lets the other shards look at their unwatched clients, and calls `done` on the acceptor's shard when they have
  /// done so. False when there is nothing to wait for. Call it on the acceptor's thread only.
  bool look_elsewhere(std::function<void()> done);
  /// Starts a session for an accepted socket.
  void open(ShardState& shard, StreamSocket socket, const Hop& peer);

  /// A connection begins or ends, for `connections`. `rejected`: it is answered 503 by `Farewells`. These functions do
  /// not use the metrics, which may be destroyed before the last session.
  void count_open(bool rejected) noexcept;
  void count_closed(bool rejected) noexcept;
  /// The client of a connection has gone while its request is handled, and the connection no longer counts. False when
  /// `ServerLimits::gone` is reached: the connection still counts then.
  bool count_gone() noexcept;
  void count_gone_ended() noexcept { gone_.fetch_sub(1); }
  /// `drain` waits for everything that has entered and not left: the acceptor, and each session until it lingers.
  void enter() noexcept { live_.fetch_add(1); }
  void leave();

  void stop();
  void abort();
  /// Waits until all have left, at most until `by`. False when some have not.
  static awaitable<bool> drained(std::shared_ptr<ServerState> state, Deadline by);

  void count_response(unsigned status) noexcept;
  /// Writes to the log that a request has named a host that is not served. A proxy or a channel is behind most of them,
  /// and nobody sees what those are answered.
  void tell_of_host(const HttpRequest& request);
  void count_rejection(Rejection why) noexcept { rejections_[static_cast<std::size_t>(why)].inc(); }
  void count_handshake(HandshakeEnd end) noexcept { handshake_ends_[static_cast<std::size_t>(end)].inc(); }
  void show_connections(double change) noexcept { connections_.add(change); }
  void show_web_sockets(double change) noexcept { web_sockets_.add(change); }
  void count_web_socket_end(WebSocketEnd why) noexcept { web_socket_ends_[static_cast<std::size_t>(why)].inc(); }

 private:
  struct Waiter {
    Waiter(Clock& clock, executor e) : ex(e), timer(clock, std::move(e)) {}
    executor ex;
    Timer timer;
  };
  class Waiting;

  void let_one_give_way(ShardState& shard) noexcept;
  bool has_expendable() const noexcept;
  std::shared_ptr<TlsStream> new_stream();

  HttpHandler& handler_;
  const ServerLimits limits_;
  Clock& clock_;
  Metrics& metrics_;
  TrustedProxies proxies_;
  std::vector<std::unique_ptr<ShardState>> shards_;
  std::size_t turn_ = 0;

  std::atomic<bool> closing_ = false;
  std::atomic<SteadyTime> closing_by_ = SteadyTime::max();
  std::atomic<bool> aborted_ = false;
  std::atomic<std::size_t> open_ = 0;
  std::atomic<std::size_t> rejecting_ = 0;
  std::atomic<std::size_t> yielding_ = 0;
  std::atomic<std::size_t> gone_ = 0;
  std::atomic<std::size_t> live_ = 0;

  std::mutex mutex_;
  std::vector<std::shared_ptr<Waiter>> waiters_;  // guarded by the mutex, as `tls_`
  std::shared_ptr<const TlsContext> tls_;

  Gauge connections_;
  Gauge web_sockets_;
  std::array<Counter, 6> responses_;  // by the first digit of the status
  std::array<Counter, rejection_texts.size()> rejections_;
  tern::detail::LogPace pace_of_hosts_;
  std::array<Counter, handshake_ends.size()> handshake_ends_;
  std::array<Counter, web_socket_ends.size()> web_socket_ends_;
  std::unique_ptr<Handshakes> handshakes_;  // nullptr without TLS; its threads end first
};

}  // namespace tern::http
