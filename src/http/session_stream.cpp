#include "http/describe.hpp"
#include "http/session.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace tern::http {

namespace {

constexpr std::size_t small_piece = 16 * 1024;
constexpr std::size_t most_ahead = 16 * 1024;  // input kept for later while a response is streamed

}  // namespace

// The source has a coroutine of its own, because cancelling one is for good: the session goes on after it.
awaitable<void> Session::stream(std::unique_ptr<BodySource> source) {
  watch_ = std::make_unique<Watch>();
  watch();
  std::exception_ptr error;
  try {
    // The binder of Boost 1.81 does not know `deferred`.
    co_await asio::co_spawn(socket_.get_executor(), pump(std::move(source)),
                            asio::bind_cancellation_slot(watch_->gone.slot(), asio::use_awaitable));
  } catch (...) {
    error = std::current_exception();
  }
  co_await unwatch();
  const bool client_gone = std::exchange(watch_, nullptr)->client_gone;
  if (client_gone) {
    ec_ = asio::error::connection_reset;
    log::debug("a client left before the end of a streamed response");
  } else if (error) {
    // Without its last chunk the client sees that the response is not whole.
    ec_ = asio::error::operation_aborted;
    log::error("a streamed response was cut short", {{"error", describe(error)}});
  }
}

awaitable<void> Session::pump(std::unique_ptr<BodySource> source) {
  const bool chunked = !reader_.http10();
  for (;;) {
    const std::optional<std::string> piece = co_await source->next();
    if (piece && piece->empty()) {
      continue;  // an empty chunk would end the body
    }
    out_.clear();
    if (!piece) {
      out_ = chunked ? "0\r\n\r\n" : "";
      put_pending(out_);
    } else if (!chunked) {
      put_pending(*piece);
    } else if (append_chunk_size(out_, piece->size()); piece->size() > small_piece) {
      put_pending(out_, *piece, "\r\n");
    } else {
      out_.append(*piece).append("\r\n");
      put_pending(out_);
    }
    if (!send_now()) {
      co_await send_rest();
    }
    if (!piece || ec_) {
      co_return;
    }
  }
}

void Session::watch() {
  const auto room = reader_.prepare();
  watch_->reading = true;
  socket_.async_read_some(
      asio::buffer(room.data(), room.size()),
      [self = shared_from_this()](error_code ec, std::size_t bytes) { self->on_watched(ec, bytes); });
}

void Session::on_watched(error_code ec, std::size_t bytes) {
  watch_->reading = false;
  reader_.commit(bytes);
  if (watch_->ended) {
    return;
  }
  if (!ec) {
    if (reader_.unparsed() < most_ahead) {
      watch();
    }
  } else if (ec != asio::error::operation_aborted || !socket_.is_open()) {
    watch_->client_gone = true;
    watch_->gone.emit(asio::cancellation_type::terminal);
  }
}

awaitable<void> Session::unwatch() {
  watch_->ended = true;
  if (watch_->reading) {
    error_code ignored;
    socket_.cancel(ignored);
  }
  while (watch_->reading) {  // its completion is queued already
    co_await asio::post(socket_.get_executor(), asio::deferred);
  }
}

}  // namespace tern::http
