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

}  // namespace

// The source has a coroutine of its own, because a cancelled coroutine stays cancelled, and the session goes on.
awaitable<void> Session::stream(std::unique_ptr<BodySource> source) {
  phase_ = Phase::streaming;
  if (!watch_) {
    watch_ = std::make_unique<Watch>();
    watch();
  }
  std::exception_ptr error;
  try {
    // `bind_cancellation_slot` of Boost 1.81 does not work with `deferred`.
    co_await asio::co_spawn(socket_.get_executor(), pump(std::move(source)),
                            asio::bind_cancellation_slot(watch_->gone.slot(), asio::use_awaitable));
  } catch (...) {
    error = std::current_exception();
  }
  phase_ = Phase::answering;
  co_await unwatch();
  if (!has_client_) {
    ec_ = asio::error::connection_reset;
    log::debug("a client left before the end of a streamed response");
  } else if (error) {
    // The last chunk is not sent, so the client sees that the response is not complete.
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

}  // namespace tern::http
