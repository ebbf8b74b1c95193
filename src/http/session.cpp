#include "http/session.hpp"

#include "http/describe.hpp"
#include "http/lingering.hpp"
#include "http/server_state.hpp"
#include "http/upgraded_connection.hpp"
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
#include <limits>
#include <utility>

namespace tern::http {

namespace {

using namespace std::chrono_literals;

constexpr auto warm_time = 1s;                 // how long an idle connection keeps its buffers
constexpr std::size_t small_body = 16 * 1024;  // a body up to this size is copied behind the head, into one buffer
constexpr auto stuck_time = 1s;                // a client that takes nothing of its response for so long may be closed
constexpr int all_unsent = std::numeric_limits<int>::max();

HttpResponse failure(const std::exception_ptr& error = nullptr) {
  if (error) {
    log::error("a request could not be handled", {{"error", describe(error)}});
  }
  return HttpResponse(500, error_body("ServiceError", "The bot could not process the request."), "application/json");
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
  HttpResponse response = response_for(why);
  begin_response(response, false);
  if (!send_now()) {
    co_await send_rest();
  }
  co_await linger();
}

// After an error there is nobody to linger for.
awaitable<void> Session::linger() {
  if (ec_) {
    co_return;
  }
  ending_ = true;
  if (has_unsent()) {  // without the end of TLS a whole answer looks cut
    co_await send_rest();
    if (ec_) {
      co_return;
    }
  }
  leave();
  phase_ = Phase::lingering;
  expired_ = false;
  const auto last = Deadline::after(server_->limits().write_timeout, server_->clock());
  arm_for(linger_time);
  socket_.shutdown(StreamSocket::shutdown_send, ec_);
  shard_.lingering.push_back(*this);
  shard_.expendables.fetch_add(1);
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
        co_return;  // the client has the whole response, or takes no more of it
      }
      ec_.clear();
      expired_ = false;
      arm_for(linger_time);
    }
  }
}

// The bytes that the client's kernel has not confirmed yet.
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

bool Session::say_end() noexcept {
  return !tls_ || tls_->say_end();
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

void Session::begin_closing() noexcept {
  if (phase_ == Phase::handshake) {
    tls_->give_up();
  }
  if (phase_ == Phase::waiting || phase_ == Phase::handshake) {
    error_code ignored;
    socket_.cancel(ignored);
  } else if (phase_ == Phase::header || phase_ == Phase::body) {
    arm_for_input();
  } else if (upgraded_ != nullptr) {
    upgraded_->begin_closing();
  }
}

void Session::close() noexcept {
  if (tls_) {
    tls_->give_up();
    tls_->detach();
  }
  error_code ignored;
  socket_.close(ignored);
  if (upgraded_ != nullptr) {
    upgraded_->abandon();
  }
}

void Session::leave() {
  if (live_) {
    live_ = false;
    server_->leave();
  }
}

void Session::stop_counting() noexcept {
  const Standing standing = std::exchange(standing_, Standing::ended);
  if (standing == Standing::open) {
    server_->count_closed(false);
  } else if (standing == Standing::gone) {
    server_->count_gone_ended();
  }
}

void Session::depart() {
  leave();
  close_and_stop_counting();
}

void Session::close_and_stop_counting() noexcept {
  leave_expendable();
  close();
  has_client_ = false;
  if (standing_ == Standing::open) {
    server_->show_connections(-1);
  }
  stop_counting();
}

Session::After Session::begin_response(HttpResponse& response, bool client_keeps) {
  if (response.status < 200 || response.status > 999) {
    log::error("a handler answered with a status that HTTP does not have", {{"status", response.status}});
    response = failure();
  }
  if (!has_body(response.status)) {
    response.source.reset();
    response.body.clear();
  }
  if (response.source) {
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

std::size_t Session::write_some() noexcept {
  if (tls_) {
    return tls_->write(pending_, ec_);
  }
  const bool single = pending_[1].size() + pending_[2].size() == 0;
  return single ? socket_.write_some(asio::const_buffer(pending_[0]), ec_) : socket_.write_some(pending_, ec_);
}

// Sends without waiting for the reactor: a usual response fits into the socket's buffer.
bool Session::send_some() noexcept {
  const std::size_t bytes = write_some();
  if (ec_ == asio::error::would_block || ec_ == asio::error::try_again) {
    ec_.clear();
  }
  sent(bytes);
  return bytes > 0;
}

bool Session::has_unsent() noexcept {
  return asio::buffer_size(pending_) > 0 || (ending_ && !say_end());
}

bool Session::send_now() noexcept {
  send_some();
  return ec_ || asio::buffer_size(pending_) == 0;
}

awaitable<void> Session::send_rest() {
  const Phase next = phase_ == Phase::streaming ? Phase::streaming : Phase::answering;
  phase_ = Phase::writing;
  const auto last = Deadline::after(server_->limits().write_timeout, server_->clock());
  arm_for_writing(last.when());
  int unsent = unsent_bytes();
  while (!ec_ && has_unsent()) {
    const auto [ec] = co_await socket_.async_wait(StreamSocket::wait_write, asio::as_tuple(asio::deferred));
    ec_ = ec;
    if (!ec && send_some()) {
      unsent = all_unsent;
    }
    if (expired_ && socket_.is_open() && (!ec_ || ec_ == asio::error::operation_aborted)) {
      ec_ = last.expired(server_->clock()) ? error_code(asio::error::timed_out) : error_code();
      const int before = std::exchange(unsent, unsent_bytes());
      may_give_way_while_writing(unsent >= before);
      arm_for_writing(last.when());
    }
  }
  may_give_way_while_writing(false);
  phase_ = next;
}

// With a watch, the end of the client is seen at once, and the watch must not be cancelled early. Without a watch the
// session looks at the client every `stuck_time`.
void Session::arm_for_writing(SteadyTime last) noexcept {
  expired_ = false;
  const auto look = Deadline::after(stuck_time, server_->clock()).when();
  deadline_ = watch_ ? last : std::min(last, look);
  shard_.shard.wheel.arm(*this, Deadline::at(deadline_));
}

void Session::may_give_way_while_writing(bool stuck) noexcept {
  if (watch_) {
    return;
  }
  if (!stuck || !has_sent_end()) {
    leave_expendable();
  } else if (!expendable_hook.is_linked()) {
    shard_.expendable.push_back(*this);
    shard_.expendables.fetch_add(1);
  }
}

}  // namespace tern::http
