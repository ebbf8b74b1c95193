#include "http/session.hpp"

#include "http/describe.hpp"
#include "http/rejection.hpp"
#include "http/server_state.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace tern::http {

namespace {

using namespace std::chrono_literals;

constexpr auto warm_time = 1s;  // how long an idle connection keeps its buffers

HttpResponse failure(const std::exception_ptr& error) {
  log::error("a request could not be handled", {{"error", describe(error)}});
  return response_for_failure();
}

}  // namespace

Session::Session(std::shared_ptr<ServerState> server, ShardState& shard, StreamSocket socket, const Hop& peer,
                 std::shared_ptr<TlsStream> tls)
    : server_(std::move(server)),
      shard_(shard),
      socket_(std::move(socket)),
      tls_(std::move(tls)),
      reader_({.header = server_->limits().header,
               .body = server_->limits().body,
               .large = server_->limits().large_bodies.get()},
              &shard.hosts) {
  reader_.request().set_peer(peer, server_->proxies());
  server_->count_open(false);
}

Session::~Session() {
  // Before `server_` is released: the lists belong to the server, and another thread may destroy it then.
  leave_expendable();
  shard_.slow.end(*this);
  if (hook.is_linked()) {
    hook.unlink();
  }
  stop_counting();
}

awaitable<void> Session::run(std::shared_ptr<Session> self) {
  self->shard_.sessions.push_back(*self);
  self->server_->show_connections(1);
  try {
    if (self->server_->aborted()) {
      self->close();
    } else if (!self->tls_) {
      co_await self->serve();
    } else {
      co_await self->serve_secured();
    }
  } catch (...) {
    log::error("a connection was closed because of an error in the server",
               {{"error", describe(std::current_exception())}});
  }
  self->depart();
}

// Long: all requests of a connection use one coroutine frame. A usual request suspends only in the read and in the
// handler.
awaitable<void> Session::serve() {
  for (;;) {
    const RequestReader::Step step = reader_.parse();
    if (step == RequestReader::Step::need_input) {
      const Next next = plan_read();
      if (next == Next::read) {
        const auto [ec, bytes] = co_await socket_.async_read_some(room(), asio::as_tuple(asio::deferred));
        take_input(ec, bytes);
      } else if (next == Next::wait || next == Next::read_secured) {
        co_await (next == Next::wait ? wait_for_input() : read_secured());
      } else if (next == Next::time_out) {
        co_await refuse(late());
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
    begin_handling();
    HttpResponse response;
    try {
      response = co_await server_->handler().handle(reader_.request());
    } catch (...) {
      response = failure(std::current_exception());
    }
    end_handling();
    if (watch_ && (!response.source || response.upgrade)) {
      co_await unwatch();
    }
    if (!has_client_) {
      co_return;
    }
    if (response.upgrade && may_upgrade(response)) {
      co_await be_web_socket(std::move(response));
      co_return;
    }
    const After after = begin_response(response, reader_.keep_alive());
    if (!send_now()) {
      co_await send_rest();
    }
    if (response.source && !ec_) {
      co_await stream(std::move(response.source));
    }
    if (after != After::keep || ec_) {
      co_await linger();
      co_return;
    }
    if (ends_burst()) {
      co_await asio::post(socket_.get_executor(), asio::deferred);
    }
  }
}

// Goes on to the next request. True when other connections are to be served before.
bool Session::ends_burst() {
  reader_.next();
  burst_ = (burst_ + 1) % most_in_a_burst;
  return burst_ == 0;
}

asio::mutable_buffer Session::room() {
  const auto free = reader_.prepare();
  return asio::buffer(free.data(), free.size());
}

void Session::take_input(const error_code& ec, std::size_t bytes) {
  ec_ = ec;
  reader_.commit(bytes);
  burst_ = 0;
}

void Session::begin_handling() noexcept {
  phase_ = Phase::handling;
  ++requests_;
  shard_.slow.begin(*this);
}

void Session::end_handling() noexcept {
  shard_.slow.end(*this);
  phase_ = Phase::answering;
}

awaitable<void> Session::wait_for_input() {
  const auto [ec] = co_await socket_.async_wait(StreamSocket::wait_read, asio::as_tuple(asio::deferred));
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

Rejection Session::late() const noexcept {
  if (server_->closing()) {
    return Rejection::closing;
  }
  return phase_ == Phase::body ? Rejection::body_timeout : Rejection::header_timeout;
}

awaitable<void> Session::refuse(Rejection why) {
  phase_ = Phase::answering;
  server_->count_rejection(why);
  if (why == Rejection::host) {
    server_->tell_of_host(reader_.request());
  }
  HttpResponse response = response_for(why);
  if (!reader_.request().path().empty()) {
    server_->handler().complete_refusal(reader_.request(), response);
  }
  begin_response(response, false);
  if (!send_now()) {
    co_await send_rest();
  }
  co_await linger();
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
    return expired_ ? Next::time_out : how_to_read();
  }
  phase_ = phase;
  expired_ = false;
  const ServerLimits& limits = server_->limits();
  if (phase == Phase::body || requests_ > 0) {  // the first header's time is counted from the acceptance
    deadline_ =
        Deadline::after(phase == Phase::body ? limits.body_timeout : limits.header_timeout, server_->clock()).when();
  }
  arm_for_input();
  return how_to_read();
}

Session::Next Session::plan_idle() {
  const bool closing = server_->closing();
  if (closing && !tls_ && socket_.available(ec_) == 0) {
    return Next::close;
  }
  if (phase_ != Phase::waiting) {
    phase_ = Phase::waiting;
    expired_ = released_ = false;
    const SteadyTime now = server_->clock().now();
    if (requests_ > 0) {
      deadline_ = now + server_->limits().idle_timeout;
    } else if (!tls_) {  // with TLS the time goes on that the handshake was a part of
      deadline_ = now + server_->limits().header_timeout;
    }
    shard_.shard.wheel.arm(*this, Deadline::at(std::min<SteadyTime>(deadline_, now + warm_time)));
  } else if (expired_) {
    expired_ = false;
    if (server_->clock().now() >= deadline_) {
      say_end();
      return Next::close;
    }
    released_ = true;
    reader_.release();
    std::string().swap(out_);
    shard_.shard.wheel.arm(*this, Deadline::at(deadline_));
  }
  // With TLS a request may be here although the socket is empty: `read_secured` finds it, or ends the session.
  return released_ && !(closing && tls_) ? Next::wait : how_to_read();
}

void Session::arm_for(std::chrono::milliseconds duration) noexcept {
  deadline_ = Deadline::after(duration, server_->clock()).when();
  shard_.shard.wheel.arm(*this, Deadline::at(deadline_));
}

// Arms the wheel for the deadline of the phase, or for an earlier one when the server closes.
void Session::arm_for_input() noexcept {
  deadline_ = std::min(deadline_, server_->closing_by());
  shard_.shard.wheel.arm(*this, Deadline::at(deadline_));
}

void Session::on_expired() noexcept {
  if (phase_ == Phase::handling || phase_ == Phase::answering || phase_ == Phase::streaming ||
      phase_ == Phase::upgraded) {
    return;  // the wheel was armed for an earlier phase; disarming it for each request would cost more
  }
  expired_ = true;
  if (phase_ == Phase::handshake) {
    tls_->give_up();
  }
  error_code ignored;
  socket_.cancel(ignored);
}

}  // namespace tern::http
