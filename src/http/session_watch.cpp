// The functions of Session that watch the client while its request is handled or its response is streamed. The client
// may send more, end, or be gone.

#include "http/lingering.hpp"
#include "http/server_state.hpp"
#include "http/session.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <poll.h>

#include <array>
#include <new>
#include <utility>

namespace tern::http {

void Session::begin_watch() noexcept {
  if (watch_ || !has_client_) {
    return;
  }
  try {
    watch_ = std::make_unique<Watch>();
    watch();
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
  }
}

bool Session::begin_watch(short events) noexcept {
  if ((events & (POLLERR | POLLHUP)) != 0) {
    lose_client();
    return standing_ != Standing::open;
  }
  if ((events & POLLRDHUP) == 0 || watch_ || !has_client_) {
    begin_watch();
    return false;
  }
  try {  // the input before the client's end is read after the handler
    watch_ = std::make_unique<Watch>();
    become_expendable();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Session::watch() {
  if (tls_) {
    watch_secured();
    return;
  }
  if (reader_.unparsed() >= most_ahead) {
    become_expendable();
    return;
  }
  const auto room = reader_.prepare();
  socket_.async_read_some(
      asio::buffer(room.data(), room.size()),
      [self = shared_from_this()](error_code ec, std::size_t bytes) { self->on_watched(ec, bytes); });
  watch_->waiting = true;
}

void Session::on_watched(error_code ec, std::size_t bytes) noexcept {
  watch_->waiting = false;
  reader_.commit(bytes);
  if (watch_->ended) {
    return;
  }
  try {
    if (!ec) {
      watch();
    } else if (ec == asio::error::eof) {
      become_expendable();
    } else if (ec != asio::error::operation_aborted || !socket_.is_open()) {
      lose_client();
    }
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
  }
}

// The client has sent its end, or so much input that its end cannot be seen. It may still read its answer, as a client
// does that has shut down its sending side; or it may be gone, which shows only when the answer is sent. So it is
// served on, but it gives way before a new client is refused. The session that became expendable first gives way first.
void Session::become_expendable() {
  wait_for_hang_up();
  shard_.expendable.push_back(*this);
  shard_.expendables.fetch_add(1);
}

void Session::wait_for_hang_up() {
  socket_.async_wait(StreamSocket::wait_error, [self = shared_from_this()](error_code ec) { self->on_hung_up(ec); });
  watch_->waiting = true;
}

void Session::leave_expendable() noexcept {
  if (expendable_hook.is_linked()) {
    expendable_hook.unlink();
    shard_.expendables.fetch_sub(1);
  }
}

void Session::on_hung_up(error_code ec) noexcept {
  watch_->waiting = false;
  if (watch_->ended) {
    return;
  }
  if (ec ? !socket_.is_open() : has_hung_up()) {
    lose_client();
    return;
  }
  if (ec) {
    return;
  }
  // Urgent data has woken the wait. The byte is read and dropped, because the next wait would end at once otherwise.
  char urgent = 0;
  error_code ignored;
  socket_.receive(asio::buffer(&urgent, 1), asio::socket_base::message_out_of_band, ignored);
  try {
    wait_for_hang_up();
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
  }
}

bool Session::has_hung_up() noexcept {
  pollfd polled{socket_.native_handle(), 0, 0};
  return ::poll(&polled, 1, 0) > 0 && (polled.revents & (POLLERR | POLLHUP)) != 0;
}

bool Session::has_sent_end() noexcept {
  pollfd polled{socket_.native_handle(), POLLRDHUP, 0};
  return ::poll(&polled, 1, 0) > 0 && (polled.revents & POLLRDHUP) != 0;
}

// Closing with unread input makes the kernel send a reset, which destroys the response.
void Session::drop_input() noexcept {
  std::array<char, 4096> bytes;
  error_code error;
  for (std::size_t total = 0; !error && total < linger_bytes;) {
    total += socket_.read_some(asio::buffer(bytes), error);
  }
}

awaitable<void> Session::unwatch() {
  if (!watch_) {
    co_return;
  }
  leave_expendable();
  watch_->ended = true;
  if (watch_->waiting) {
    error_code ignored;
    socket_.cancel(ignored);
  }
  while (watch_->waiting) {  // the completion of the operation is queued already
    co_await asio::post(socket_.get_executor(), asio::deferred);
  }
  watch_ = nullptr;
}

void Session::give_way() noexcept {
  if (phase_ == Phase::lingering || (phase_ == Phase::writing && !watch_)) {  // the handler has ended
    drop_input();
    close_and_stop_counting();
    return;
  }
  if (phase_ == Phase::handling) {  // nothing of a response has been sent
    try {
      server_->count_rejection(Rejection::connections);
      server_->count_response(text_of(Rejection::connections).status);
      const auto text = text_for(Rejection::connections, shard_.date.at(server_->clock().wall_now()));
      put_pending(text);
      write_some();
      say_end();
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
    }
  }
  lose_client();
}

// The handler goes on to its end, so that the work of a turn is not lost when its client has gone.
void Session::lose_client() noexcept {
  if (!std::exchange(has_client_, false)) {
    return;
  }
  leave_expendable();
  close();
  if (server_->count_gone()) {
    standing_ = Standing::gone;
    server_->show_connections(-1);
  }
  reader_.drop_input();
  if (watch_) {
    watch_->gone.emit(asio::cancellation_type::terminal);
  }
}

}  // namespace tern::http
