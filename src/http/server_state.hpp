#pragma once

#include "http/date_text.hpp"
#include "http/host.hpp"
#include "http/rejection.hpp"
#include "http/server.hpp"
#include "http/session.hpp"

#include <tern/async/timer.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace tern::http {

/// What the server has on one shard. Used on that shard's thread only.
struct ShardState {
  explicit ShardState(ServerShard s) : shard(s) {}
  ServerShard shard;
  SessionList sessions;
  ServedHosts hosts;
  DateText date;
};

/// What the sessions share. It outlives the `Server`: each session holds it.
class ServerState : public std::enable_shared_from_this<ServerState> {
 public:
  ServerState(std::vector<ServerShard> shards, HttpHandler& handler, ServerLimits limits, Clock& clock,
              Metrics& metrics);

  HttpHandler& handler() noexcept { return handler_; }
  const ServerLimits& limits() const noexcept { return limits_; }
  Clock& clock() noexcept { return clock_; }

  /// True once no new exchange may begin.
  bool closing() const noexcept { return closing_.load(std::memory_order_relaxed); }
  /// True once every connection is to be closed at once.
  bool aborted() const noexcept { return aborted_.load(std::memory_order_relaxed); }
  std::size_t connections() const noexcept { return open_.load(std::memory_order_relaxed); }

  /// The shard for the next connection. Called on the acceptor's thread only.
  ShardState& next_shard() noexcept;
  ServerShard& first_shard() noexcept { return shards_.front()->shard; }
  /// Before any session begins.
  void serve_hosts(const ServedHosts& hosts);
  /// True when there are as many connections as there may be, without those that are told so.
  bool full() const noexcept { return open_.load() - rejecting_.load() >= limits_.connections; }
  /// Starts a session for an accepted socket.
  void open(ShardState& shard, asio::ip::tcp::socket socket, const asio::ip::tcp::endpoint& peer);

  /// A connection begins and ends: for `connections`. `rejected`: it is only told that there is no capacity. Never
  /// touches the metrics, which may be gone by then.
  void count_open(bool rejected) noexcept;
  void count_closed(bool rejected) noexcept;
  /// Something that `drain` waits for begins and ends: the acceptor, a session until it only waits for its end.
  void enter() noexcept { live_.fetch_add(1); }
  void leave();

  void stop();
  void abort();
  /// Waits until all have left; false when `by` came first.
  static awaitable<bool> drained(std::shared_ptr<ServerState> state, Deadline by);

  void count_response(unsigned status) noexcept;
  void count_rejection(Rejection why) noexcept { rejections_[static_cast<std::size_t>(why)].inc(); }
  void show_connections(double change) noexcept { connections_.add(change); }

 private:
  struct Waiter {
    Waiter(Clock& clock, executor e) : ex(e), timer(clock, std::move(e)) {}
    executor ex;
    Timer timer;
  };
  class Waiting;

  HttpHandler& handler_;
  const ServerLimits limits_;
  Clock& clock_;
  std::vector<std::unique_ptr<ShardState>> shards_;
  std::size_t turn_ = 0;

  std::atomic<bool> closing_ = false;
  std::atomic<bool> aborted_ = false;
  std::atomic<std::size_t> open_ = 0;
  std::atomic<std::size_t> rejecting_ = 0;
  std::atomic<std::size_t> live_ = 0;

  std::mutex mutex_;
  std::vector<std::shared_ptr<Waiter>> waiters_;

  Gauge connections_;
  std::array<Counter, 6> responses_;  // by the first digit of the status
  std::array<Counter, rejection_texts.size()> rejections_;
};

}  // namespace tern::http
