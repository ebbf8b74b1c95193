// The functions of Session that end it: after its last response, when the server closes, and at once.

#include "http/lingering.hpp"
#include "http/server_state.hpp"
#include "http/session.hpp"
#include "http/upgraded_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include <utility>

namespace tern::http {

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

bool Session::say_end() noexcept {
  return !tls_ || tls_->say_end();
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

}  // namespace tern::http
