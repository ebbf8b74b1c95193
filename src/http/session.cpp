#include "http/session.hpp"

#include "http/describe.hpp"
#include "http/lingering.hpp"
#include "http/server_state.hpp"
#include "schema/spare_text.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <utility>

namespace tern::http {

using asio::ip::tcp;

namespace {

using namespace std::chrono_literals;

constexpr auto warm_time = 1s;                 // how long an idle connection keeps its buffers
constexpr std::size_t small_body = 16 * 1024;  // copied behind the head, so that one buffer goes out
constexpr unsigned most_in_a_burst = 16;       // pipelined requests before other connections get their turn

HttpResponse failure() {
  return HttpResponse(500, error_body("ServiceError", "The bot could not process the request."), "application/json");
}

}  // namespace

Session::Session(std::shared_ptr<ServerState> server, ShardState& shard, tcp::socket socket, const tcp::endpoint& peer)
    : server_(std::move(server)),
      shard_(shard),
      socket_(std::move(socket)),
      reader_({.header = server_->limits().header, .body = server_->limits().body}, &shard.hosts) {
  reader_.request().set_peer(peer);
  server_->count_open(false);
}

Session::~Session() {
  // While this still holds the server: the list is the server's, and another thread may be the last to let go of it.
  if (hook.is_linked()) {
    hook.unlink();
  }
  server_->count_closed(false);
}

awaitable<void> Session::run(std::shared_ptr<Session> self) {
  self->shard_.sessions.push_back(*self);
  self->server_->show_connections(1);
  try {
    if (self->server_->aborted()) {
      self->close();
    } else {
      co_await self->serve();
    }
  } catch (...) {
    log::error("a connection was closed for an error in the server", {{"error", describe(std::current_exception())}});
  }
  self->close();
  self->leave();
  self->server_->show_connections(-1);
}

// One coroutine frame for all requests of the connection, hence its length: what can suspend in a usual request is
// the read, the handler, and nothing else.
awaitable<void> Session::serve() {
  for (;;) {
    const RequestReader::Step step = reader_.parse();
    if (step == RequestReader::Step::need_input) {
      const Next next = plan_read();
      if (next == Next::read) {
        const auto room = reader_.prepare();
        const auto [ec, bytes] =
            co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), asio::as_tuple(asio::deferred));
        ec_ = ec;
        reader_.commit(bytes);
        burst_ = 0;
      } else if (next == Next::wait) {
        co_await wait_for_input();
      } else if (next == Next::time_out) {
        co_await refuse(phase_ == Phase::body ? Rejection::body_timeout : Rejection::header_timeout);
      }
      if (next == Next::close || next == Next::time_out || lost()) {
        co_return;
      }
      continue;
    }
    if (step != RequestReader::Step::complete) {
      const bool goes_on = step == RequestReader::Step::send_continue;
      co_await (goes_on ? send_continue() : refuse(reader_.rejection()));
      if (!goes_on || ec_) {
        co_return;
      }
      continue;
    }

    phase_ = Phase::handling;
    ++requests_;
    HttpResponse response;
    try {
      response = co_await server_->handler().handle(reader_.request());
    } catch (...) {
      log::error("a request could not be handled", {{"error", describe(std::current_exception())}});
      response = failure();
    }
    const After after = begin_response(response, reader_.keep_alive());
    if (!send_now()) {
      co_await send_rest();
    }
    if (response.source && !ec_) {
      co_await stream(std::move(response.source));
    }
    if (after == After::close && !ec_) {
      co_await linger();
    }
    if (after != After::keep || ec_) {
      co_return;
    }
    reader_.next();
    if (++burst_ == most_in_a_burst) {
      burst_ = 0;
      co_await asio::post(socket_.get_executor(), asio::deferred);
    }
  }
}

awaitable<void> Session::wait_for_input() {
  const auto [ec] = co_await socket_.async_wait(tcp::socket::wait_read, asio::as_tuple(asio::deferred));
  ec_ = ec;
  if (!ec_) {
    released_ = false;
  }
}

awaitable<void> Session::send_continue() {
  put_pending("HTTP/1.1 100 Continue\r\n\r\n");
  if (!send_now()) {
    co_await send_rest();
  }
}

awaitable<void> Session::refuse(Rejection why) {
  phase_ = Phase::handling;
  server_->count_rejection(why);
  HttpResponse response = response_for(why);
  begin_response(response, false);
  if (!send_now()) {
    co_await send_rest();
  }
  if (!ec_) {
    co_await linger();
  }
}

awaitable<void> Session::linger() {
  leave();
  phase_ = Phase::lingering;
  expired_ = false;
  const auto last = Deadline::after(server_->limits().write_timeout, server_->clock());
  arm_for(linger_time);
  socket_.shutdown(tcp::socket::shutdown_send, ec_);
  int unsent = unsent_bytes();
  for (std::size_t total = 0; !ec_ && total < linger_bytes;) {
    const auto room = reader_.prepare();
    const auto [ec, bytes] =
        co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), asio::as_tuple(asio::deferred));
    ec_ = ec;
    total += bytes;
    if (expired_ && (!ec || ec == asio::error::operation_aborted)) {
      const int before = std::exchange(unsent, unsent_bytes());
      if (last.expired(server_->clock()) || unsent == 0 || unsent >= before) {
        co_return;  // it has all of the response, or takes no more of it
      }
      ec_.clear();
      expired_ = false;
      arm_for(linger_time);
    }
  }
}

// What the client's kernel has not confirmed yet.
int Session::unsent_bytes() noexcept {
  int bytes = 0;
  return ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

Session::Next Session::plan_read() {
  if (!socket_.is_open()) {
    return Next::close;
  }
  if (!reader_.started()) {
    return plan_idle();
  }
  const Phase phase = reader_.header_done() ? Phase::body : Phase::header;
  if (phase == phase_) {
    return expired_ ? Next::time_out : Next::read;
  }
  phase_ = phase;
  expired_ = false;
  if (phase == Phase::body) {
    arm_for(server_->limits().body_timeout);
  } else if (requests_ > 0) {
    arm_for(server_->limits().header_timeout);
  } else {
    shard_.shard.wheel.arm(*this, Deadline::at(deadline_));  // counted from the acceptance
  }
  return Next::read;
}

Session::Next Session::plan_idle() {
  if (server_->closing() && socket_.available(ec_) == 0) {
    return Next::close;
  }
  if (phase_ != Phase::waiting) {
    phase_ = Phase::waiting;
    expired_ = released_ = false;
    arm_for(requests_ > 0 ? server_->limits().idle_timeout : server_->limits().header_timeout);
    const SteadyTime now = server_->clock().now();
    if (now + warm_time < deadline_) {
      shard_.shard.wheel.arm(*this, Deadline::at(now + warm_time));
    }
  } else if (expired_) {
    expired_ = false;
    if (server_->clock().now() >= deadline_) {
      return Next::close;
    }
    released_ = true;
    reader_.release();
    std::string().swap(out_);
    shard_.shard.wheel.arm(*this, Deadline::at(deadline_));
  }
  return released_ ? Next::wait : Next::read;
}

void Session::arm_for(std::chrono::milliseconds duration) noexcept {
  deadline_ = Deadline::after(duration, server_->clock()).when();
  shard_.shard.wheel.arm(*this, Deadline::at(deadline_));
}

void Session::on_expired() noexcept {
  if (phase_ == Phase::handling) {
    return;  // armed for what came before; disarming it for each request would only cost
  }
  expired_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void Session::wake_if_idle() noexcept {
  if (phase_ == Phase::waiting) {
    error_code ignored;
    socket_.cancel(ignored);
  }
}

void Session::close() noexcept {
  error_code ignored;
  socket_.close(ignored);
}

void Session::leave() {
  if (live_) {
    live_ = false;
    server_->leave();
  }
}

Session::After Session::begin_response(HttpResponse& response, bool client_keeps) {
  if (response.status < 200 || response.status > 999) {
    log::error("a handler answered with a status that is none", {{"status", response.status}});
    response = failure();
  }
  if (!has_body(response.status)) {
    response.source.reset();
    response.body.clear();
  }
  const bool http10 = reader_.http10();
  client_keeps = client_keeps && !(http10 && response.source);
  const std::size_t most = server_->limits().requests_per_connection;
  const bool keeps =
      client_keeps && !server_->closing() && !(most > 0 && requests_ >= most) && !asks_to_close(response);
  out_.clear();
  const auto date = shard_.date.at(server_->clock().wall_now());
  append_head(out_, response, {.http10 = http10, .keep_alive = keeps, .date = date});
  server_->count_response(response.status);
  if (reader_.request().method() == Method::head) {
    response.source.reset();
    response.body.clear();
  }
  if (response.body.size() <= small_body) {
    out_.append(response.body);
    detail::keep_text(std::move(response.body));
    put_pending(out_);
  } else {
    put_pending(out_, response.body);
  }
  return keeps ? After::keep : After::close;
}

void Session::put_pending(std::string_view first, std::string_view second, std::string_view third) noexcept {
  pending_ = {asio::buffer(first), asio::buffer(second), asio::buffer(third)};
}

void Session::sent(std::size_t bytes) noexcept {
  for (asio::const_buffer& buffer : pending_) {
    const std::size_t here = std::min(bytes, buffer.size());
    buffer += here;
    bytes -= here;
  }
}

// Tries without a round through the reactor: a usual response fits what the socket takes at once.
bool Session::send_now() noexcept {
  const bool single = pending_[1].size() + pending_[2].size() == 0;
  const std::size_t bytes =
      single ? socket_.write_some(asio::const_buffer(pending_[0]), ec_) : socket_.write_some(pending_, ec_);
  if (ec_ == asio::error::would_block || ec_ == asio::error::try_again) {
    ec_.clear();
  }
  sent(bytes);
  return ec_ || asio::buffer_size(pending_) == 0;
}

awaitable<void> Session::send_rest() {
  phase_ = Phase::writing;
  expired_ = false;
  arm_for(server_->limits().write_timeout);
  while (!ec_ && asio::buffer_size(pending_) > 0) {
    const auto [ec, bytes] = co_await socket_.async_write_some(pending_, asio::as_tuple(asio::deferred));
    ec_ = ec;
    sent(bytes);
    if (expired_ && !ec_) {
      ec_ = asio::error::timed_out;
    }
  }
  phase_ = Phase::handling;
}

}  // namespace tern::http
