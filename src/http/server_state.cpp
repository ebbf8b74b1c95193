#include "http/server_state.hpp"

#include "http/describe.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace tern::http {

ServerState::ServerState(std::vector<ServerShard> shards, HttpHandler& handler, ServerLimits limits, Clock& clock,
                         Metrics& metrics)
    : handler_(handler),
      limits_(limits),
      clock_(clock),
      connections_(metrics.gauge("tern_http_connections", "Open connections of the HTTP server.")) {
  for (const ServerShard& shard : shards) {
    shards_.push_back(std::make_unique<ShardState>(shard));
  }
  for (std::size_t i = 2; i < responses_.size(); ++i) {
    responses_[i] = metrics.counter("tern_http_requests_total", "Requests answered, by class of status.",
                                    {{"code", std::to_string(i) + "xx"}});
  }
  for (std::size_t i = 0; i < rejections_.size(); ++i) {
    rejections_[i] = metrics.counter("tern_http_rejected_total", "Requests and connections refused before a handler.",
                                     {{"reason", std::string(rejection_texts[i].reason)}});
  }
}

ShardState& ServerState::next_shard() noexcept {
  ShardState& shard = *shards_[turn_];
  turn_ = (turn_ + 1) % shards_.size();
  return shard;
}

void ServerState::serve_hosts(const ServedHosts& hosts) {
  for (const auto& shard : shards_) {
    shard->hosts = hosts;
  }
}

void ServerState::open(ShardState& shard, asio::ip::tcp::socket socket, const asio::ip::tcp::endpoint& peer) {
  error_code ignored;  // without either, a connection that has already gone fails at its first read
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);
  const executor ex = socket.get_executor();
  auto session = std::make_shared<Session>(shared_from_this(), shard, std::move(socket), peer);
  enter();
  try {
    asio::co_spawn(ex, Session::run(std::move(session)), [](std::exception_ptr error) {
      if (error) {
        log::error("a connection ended with an error", {{"error", describe(error)}});
      }
    });
  } catch (...) {
    leave();
    throw;
  }
}

void ServerState::count_open(bool rejected) noexcept {
  open_.fetch_add(1);
  if (rejected) {
    rejecting_.fetch_add(1);
  }
}

void ServerState::count_closed(bool rejected) noexcept {
  if (rejected) {
    rejecting_.fetch_sub(1);
  }
  open_.fetch_sub(1);
}

void ServerState::count_response(unsigned status) noexcept {
  if (const std::size_t first = status / 100; first < responses_.size()) {
    responses_[first].inc();
  }
}

void ServerState::leave() {
  if (live_.fetch_sub(1) != 1 || !closing()) {
    return;
  }
  const std::lock_guard lock(mutex_);
  for (const auto& waiter : waiters_) {
    asio::post(waiter->ex, [waiter] { waiter->timer.cancel(); });
  }
}

void ServerState::stop() {
  closing_ = true;
  for (const auto& shard : shards_) {
    asio::dispatch(shard->shard.io, [self = shared_from_this(), &shard = *shard] {
      for (Session& session : shard.sessions) {
        session.wake_if_idle();
      }
    });
  }
}

void ServerState::abort() {
  closing_ = true;
  aborted_ = true;
  for (const auto& shard : shards_) {
    asio::dispatch(shard->shard.io, [self = shared_from_this(), &shard = *shard] {
      for (Session& session : shard.sessions) {
        session.close();
      }
    });
  }
}

// Keeps a waiter in the list while its coroutine lives: nothing may be posted to an executor that has gone.
class ServerState::Waiting {
 public:
  Waiting(ServerState& state, std::shared_ptr<Waiter> waiter) : state_(state), waiter_(std::move(waiter)) {
    const std::lock_guard lock(state_.mutex_);
    state_.waiters_.push_back(waiter_);
  }
  ~Waiting() {
    const std::lock_guard lock(state_.mutex_);
    std::erase(state_.waiters_, waiter_);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  ServerState& state_;
  std::shared_ptr<Waiter> waiter_;
};

awaitable<bool> ServerState::drained(std::shared_ptr<ServerState> state, Deadline by) {
  const auto waiter = std::make_shared<Waiter>(state->clock_, co_await this_coro::executor);
  const Waiting waiting(*state, waiter);
  // In the list first, then the look: whoever is the last to leave sees the waiter or is seen here.
  while (state->live_.load() != 0) {
    const bool time_up = co_await waiter->timer.wait_until(by.when());
    if (time_up) {
      break;
    }
  }
  co_return state->live_.load() == 0;
}

}  // namespace tern::http
