#include "http/server_state.hpp"

#include "http/describe.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace tern::http {

namespace {

constexpr std::size_t shards_for_a_thread = 4;  // that does the handshakes of their clients

}  // namespace

ServerState::ServerState(std::vector<ServerShard> shards, HttpHandler& handler, ServerLimits limits, Clock& clock,
                         Metrics& metrics)
    : handler_(handler),
      limits_(limits),
      clock_(clock),
      metrics_(metrics),
      connections_(metrics.gauge("tern_http_connections", "Open connections of the HTTP server.")),
      web_sockets_(metrics.gauge("tern_http_web_sockets", "Connections that are open WebSockets.")) {
  for (const ServerShard& shard : shards) {
    shards_.push_back(std::make_unique<ShardState>(shard, clock_));
  }
  for (std::size_t i = 0; i < web_socket_ends.size(); ++i) {
    web_socket_ends_[i] = metrics.counter("tern_http_web_sockets_ended_total", "WebSockets that ended, by reason.",
                                          {{"reason", std::string(web_socket_ends[i])}});
  }
  for (std::size_t i = 1; i < responses_.size(); ++i) {
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

void ServerState::serve_tls(std::shared_ptr<const TlsContext> tls) {
  if (!secured()) {
    for (std::size_t i = 0; i < handshake_ends.size(); ++i) {
      handshake_ends_[i] = metrics_.counter("tern_tls_handshakes_total", "TLS handshakes, by how they ended.",
                                            {{"outcome", std::string(handshake_ends[i])}});
    }
    handshakes_ = std::make_unique<Handshakes>((shards_.size() + shards_for_a_thread - 1) / shards_for_a_thread);
  }
  const std::lock_guard lock(mutex_);
  tls_ = std::move(tls);
}

std::shared_ptr<TlsStream> ServerState::new_stream() {
  if (!secured()) {
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  return std::make_shared<TlsStream>(tls_);
}

void ServerState::tell_of_host(const HttpRequest& request) {
  constexpr std::size_t longest = 100;
  const auto level = pace_of_hosts_.level(clock_.now());
  log::write(level,
             level == log::Level::warn ? "a request was refused, because it names a host that is not served; those of "
                                         "the next minute are logged at level debug"
                                       : "a request was refused, because it names a host that is not served",
             {{"host", request.header("Host").value_or("").substr(0, longest)}, {"client", request.peer()}});
}

void ServerState::open(ShardState& shard, StreamSocket socket, const Hop& peer) {
  error_code ignored;  // the options fail when the connection has gone already; its first read fails too then
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);  // and a Unix socket has no such option
  socket.non_blocking(true, ignored);
  const executor ex = socket.get_executor();
  auto session = std::make_shared<Session>(shared_from_this(), shard, std::move(socket), peer, new_stream());
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

bool ServerState::count_gone() noexcept {
  if (gone_.fetch_add(1) >= limits_.gone) {
    gone_.fetch_sub(1);
    return false;
  }
  count_closed(false);
  return true;
}

// A connection that gives way keeps its descriptor until its shard has closed it. The check keeps the descriptors below
// the limits for connections and refusals together.
bool ServerState::make_room() noexcept {
  if (open_.load() >= limits_.connections + limits_.refusals) {
    return false;
  }
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    ShardState& shard = *shards_[(turn_ + i) % shards_.size()];
    if (shard.expendables.load() <= shard.claims.load()) {
      continue;
    }
    shard.claims.fetch_add(1);
    yielding_.fetch_add(1);
    try {
      asio::post(shard.shard.io, [self = shared_from_this(), &shard] { self->let_one_give_way(shard); });
    } catch (const std::bad_alloc&) {
      shard.claims.fetch_sub(1);
      yielding_.fetch_sub(1);
      return false;
    }
    return true;
  }
  return false;
}

void ServerState::let_one_give_way(ShardState& shard) noexcept {
  auto& list = shard.lingering.empty() ? shard.expendable : shard.lingering;
  if (!list.empty()) {  // otherwise the session has just ended by itself
    const auto session = list.front().shared_from_this();
    session->give_way();
  }
  shard.claims.fetch_sub(1);
  yielding_.fetch_sub(1);
}

bool ServerState::has_expendable() const noexcept {
  return std::any_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->expendables.load() > shard->claims.load(); });
}

bool ServerState::lacks_room() noexcept {
  if (!full() || has_expendable()) {
    return false;
  }
  shards_.front()->slow.look();
  return full() && !has_expendable();
}

// A shard that has not done its last look is not asked again, so that a busy shard does not delay every new client.
bool ServerState::look_elsewhere(std::function<void()> done) {
  struct Looks {
    std::function<void()> done;
    std::atomic<std::size_t> left = 1;
  };
  const auto looks = std::make_shared<Looks>(std::move(done));
  for (auto at = shards_.begin() + 1; at != shards_.end(); ++at) {
    ShardState& shard = **at;
    if (shard.slow.unwatched() == 0 || shard.looking.exchange(true)) {
      continue;
    }
    looks->left.fetch_add(1);
    asio::post(shard.shard.io, [self = shared_from_this(), &shard, looks] {
      shard.slow.look();
      shard.looking = false;
      if (looks->left.fetch_sub(1) == 1) {
        asio::post(self->first_shard().io, looks->done);
      }
    });
  }
  return looks->left.fetch_sub(1) != 1;
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
  SteadyTime not_yet = SteadyTime::max();
  closing_by_.compare_exchange_strong(not_yet, Deadline::after(limits_.closing_time, clock_).when());
  closing_ = true;
  for (const auto& shard : shards_) {
    asio::dispatch(shard->shard.io, [self = shared_from_this(), &shard = *shard] {
      for (Session& session : shard.sessions) {
        session.begin_closing();
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

// Keeps a waiter in the list while its coroutine exists: nothing may be posted to an executor that was destroyed.
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
  // The waiter enters the list before the check: the last session that leaves wakes it, or the check finds zero.
  while (state->live_.load() != 0) {
    const bool time_up = co_await waiter->timer.wait_until(by.when());
    if (time_up) {
      break;
    }
  }
  co_return state->live_.load() == 0;
}

}  // namespace tern::http
