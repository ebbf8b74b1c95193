// The functions of Session that speak TLS. `TlsStream` does not wait, so they wait for the socket and for the threads
// of `Handshakes`.

#include "http/handshakes.hpp"
#include "http/server_state.hpp"
#include "http/session.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <optional>
#include <utility>

namespace tern::http {

awaitable<void> Session::serve_secured() {
  const bool secured = co_await shake_hands();
  if (secured) {
    co_await serve();
  }
}

// The time for the handshake is a part of the time for the first header. False: the connection ends, and everything was
// said.
awaitable<bool> Session::shake_hands() {
  phase_ = Phase::handshake;
  arm_for(server_->limits().header_timeout);
  std::optional<HandshakeEnd> end;
  bool begun = false;
  while (!(end = handshake_end())) {
    const TlsStream::Next next = tls_->next();
    if (next == TlsStream::Next::step) {
      co_await server_->handshakes().step(tls_, std::exchange(begun, true));
    } else if (next == TlsStream::Next::output) {
      const auto [ec, bytes] = co_await socket_.async_write_some(tls_->output(), asio::as_tuple(asio::deferred));
      tls_->sent(bytes);
      ec_ = ec;
    } else {
      const auto [ec, bytes] = co_await socket_.async_read_some(tls_->room(), asio::as_tuple(asio::deferred));
      tls_->add(bytes);
      ec_ = ec;
    }
  }
  server_->count_handshake(*end);
  if (*end == HandshakeEnd::done) {
    tls_->attach(socket_.native_handle());
    co_return true;
  }
  log::debug("a TLS handshake did not succeed",
             {{"outcome", handshake_ends[static_cast<std::size_t>(*end)]}, {"reason", tls_->reason()}});
  if (*end == HandshakeEnd::plain_http) {
    tls_ = nullptr;
    expired_ = false;
    co_await refuse(Rejection::plain_http);
  } else {
    end_handshake();
  }
  co_return false;
}

std::optional<HandshakeEnd> Session::handshake_end() const noexcept {
  if (!socket_.is_open()) {
    return HandshakeEnd::closing;
  }
  const bool has_ended = tls_->next() == TlsStream::Next::end;
  // Its first request may be here already, and is answered also when the server closes.
  if (!expired_ && has_ended && tls_->end() == HandshakeEnd::done) {
    return HandshakeEnd::done;
  }
  if (server_->closing()) {
    return HandshakeEnd::closing;
  }
  if (expired_) {
    return HandshakeEnd::late;
  }
  if (has_ended) {
    return tls_->end();
  }
  return ec_ ? std::optional(HandshakeEnd::left) : std::nullopt;
}

// Tells the client why, if its socket takes that at once.
void Session::end_handshake() noexcept {
  error_code ignored;
  if (tls_->output().size() > 0) {
    socket_.write_some(tls_->output(), ignored);
    socket_.shutdown(StreamSocket::shutdown_send, ignored);
    drop_input();
  }
}

// Returns also when the session has to look again at what it waits for.
awaitable<void> Session::read_secured() {
  const auto into = room();
  for (;;) {
    error_code blocked;
    const std::size_t bytes = tls_->read(into, blocked);
    if (blocked != asio::error::would_block) {
      ec_ = blocked;
      reader_.commit(bytes);
      if (blocked == asio::error::eof) {
        tls_->say_end();
      }
      break;
    }
    if (phase_ == Phase::waiting && server_->closing()) {
      tls_->say_end();
      ec_ = asio::error::eof;
      co_return;
    }
    const auto [ec] = co_await socket_.async_wait(tls_wait(), asio::as_tuple(asio::deferred));
    burst_ = 0;
    if (ec) {
      ec_ = ec;
      co_return;
    }
  }
  if (++burst_ >= most_in_a_burst) {  // a client that sends fast is no reason to suspend
    burst_ = 0;
    co_await asio::post(socket_.get_executor(), asio::deferred);
  }
}

StreamSocket::wait_type Session::tls_wait() const noexcept {
  return tls_->reading_waits_to_write() ? StreamSocket::wait_write : StreamSocket::wait_read;
}

// Reads what there is, for the watch.
void Session::watch_secured() {
  for (;;) {
    if (reader_.unparsed() >= most_ahead) {
      become_expendable();
      return;
    }
    error_code ec;
    reader_.commit(tls_->read(room(), ec));
    if (ec == asio::error::would_block) {
      break;
    }
    if (ec == asio::error::eof) {
      become_expendable();
      return;
    }
    if (ec) {
      lose_client();
      return;
    }
  }
  socket_.async_wait(tls_wait(), [self = shared_from_this()](error_code ec) { self->on_watched(ec, 0); });
  watch_->waiting = true;
}

}  // namespace tern::http
