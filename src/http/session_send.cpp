// The functions of Session that send a response, and wait for a client that takes nothing of it.

#include "http/rejection.hpp"
#include "http/server_state.hpp"
#include "http/session.hpp"
#include "schema/spare_text.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace tern::http {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t small_body = 16 * 1024;  // a body up to this size is copied behind the head, into one buffer
constexpr auto stuck_time = 1s;                // a client that takes nothing of its response for so long may be closed
constexpr int all_unsent = std::numeric_limits<int>::max();

}  // namespace

Session::After Session::begin_response(HttpResponse& response, bool client_keeps) {
  if (response.status < 200 || response.status > 999) {
    log::error("a handler answered with a status that HTTP does not have", {{"status", response.status}});
    response = response_for_failure();
  }
  if (!has_body(response.status)) {
    response.source.reset();
    response.drop_content();
  }
  if (response.source) {
    response.drop_content();
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
    response.drop_content();
  }
  if (response.content().size() <= small_body) {
    out_.append(response.content());
    detail::keep_text(std::move(response.body));
    put_pending(out_);
  } else {
    put_pending(out_, response.content());
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

// The bytes that the client's kernel has not confirmed yet.
int Session::unsent_bytes() noexcept {
  int bytes = 0;
  return ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
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
