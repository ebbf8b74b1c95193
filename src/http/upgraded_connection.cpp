#include "http/upgraded_connection.hpp"

#include "http/server_state.hpp"
#include "http/session.hpp"
#include "http/upgraded_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace tern::http {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

// For Beast, which ends a stream by tearing it down: the session does that itself, with a deadline.
template <class Handler>
void async_teardown(beast::role_type, UpgradedStream& stream, Handler&& handler) {
  asio::post(stream.get_executor(), [h = std::forward<Handler>(handler)]() mutable { h(error_code()); });
}
// For Beast, which closes the socket when a closing is cancelled; that does not happen here.
inline void beast_close_socket(UpgradedStream&) noexcept {}

namespace {

using namespace std::chrono_literals;

constexpr auto closing_look = 2s;            // how often a closing looks whether the client takes what is queued
constexpr std::size_t longest_reason = 123;  // bytes (RFC 6455, 5.5)
constexpr std::size_t least_room = 128;      // bytes, which an idle socket keeps; most clients send only pings
constexpr std::size_t most_room = 64 * 1024;

// At most so many bytes, without a part of a character.
std::string_view cut_reason(std::string_view reason) noexcept {
  if (reason.size() <= longest_reason) {
    return reason;
  }
  std::size_t size = longest_reason;
  while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80U) {
    --size;
  }
  return reason.substr(0, size);
}

}  // namespace

/// Without permessage-deflate, which clients offer: the server declines it. Its two windows cost some 300 KiB for each
/// socket, and a message would have to be inflated to know how large it is.
struct UpgradedConnection::Stream {
  template <class... Arguments>
  explicit Stream(Arguments&&... arguments) : socket(std::forward<Arguments>(arguments)...) {}
  websocket::stream<UpgradedStream, false> socket;
};

UpgradedConnection::UpgradedConnection(std::shared_ptr<Session> session, const WebSocketOptions& options,
                                       std::string early)
    : session_(std::move(session)),
      stream_(std::make_unique<Stream>(session_->socket_, session_->tls_.get(), std::move(early))),
      options_(options) {
  const std::size_t most = options_.message > 0 ? options_.message : session_->server_->limits().body;
  stream_->socket.read_message_max(most);
  stream_->socket.auto_fragment(false);
  stream_->socket.text(true);
}

UpgradedConnection::~UpgradedConnection() = default;

// Beast opens a stream only by answering a handshake. Its answer is dropped (`UpgradedStream::open`), since the session
// answers as it always does.
awaitable<std::string> UpgradedConnection::accept(std::string key) {
  using Fields = beast::http::fields;
  beast::http::request<beast::http::empty_body, Fields> request(beast::http::verb::get, "/", 11);
  request.set(beast::http::field::host, "-");
  request.set(beast::http::field::connection, "upgrade");
  request.set(beast::http::field::upgrade, "websocket");
  request.set(beast::http::field::sec_websocket_version, "13");
  request.set(beast::http::field::sec_websocket_key, key);
  std::string accept;
  stream_->socket.set_option(websocket::stream_base::decorator([&accept](websocket::response_type& response) {
    const auto value = response[beast::http::field::sec_websocket_accept];
    accept.assign(value.data(), value.size());
  }));
  const auto [ec] = co_await stream_->socket.async_accept(request, asio::as_tuple(asio::deferred));
  stream_->socket.set_option(websocket::stream_base::decorator([](websocket::response_type&) {}));
  if (ec) {
    throw boost::system::system_error(ec, "the handshake of a WebSocket");
  }
  co_return accept;
}

void UpgradedConnection::open() {
  stream_->socket.next_layer().open();
  session_->server_->show_web_sockets(1);
  last_sent_ = last_life_ = now();
  arm_for_look();
}

// Not by Beast's function for whole messages: it asserts that no closing has read a part of the message meanwhile.
awaitable<std::optional<std::string>> UpgradedConnection::read() {
  std::string text;
  while (state_ != State::ended) {
    const std::size_t size = text.size();
    text.resize(size + std::clamp(size, least_room, most_room));
    reading_ = true;
    const auto [ec, bytes] =
        co_await stream_->socket.async_read_some(asio::buffer(text) + size, asio::as_tuple(asio::deferred));
    reading_ = false;
    text.resize(size + bytes);
    if (ec) {
      on_unread(ec);
      break;
    }
    const bool whole = stream_->socket.is_message_done();
    messages_ += whole ? 1 : 0;
    if (state_ != State::open) {
      text.clear();
    } else if (whole && stream_->socket.got_text()) {
      co_return text;
    } else if (whole) {
      end(WebSocketEnd::malformed, websocket::close_code::unknown_data, "only messages of text are taken");
    }
  }
  co_return std::nullopt;
}

void UpgradedConnection::on_unread(error_code ec) noexcept {
  if (state_ == State::ended) {
    return;
  }
  if (state_ == State::closing) {
    if (ec == websocket::error::closed) {
      finish(end_);
    } else if (ec != asio::error::operation_aborted) {
      lose(end_);
    }  // otherwise the closing has taken over
  } else if (ec == websocket::error::closed) {
    finish(WebSocketEnd::client);
  } else if (ec == websocket::error::message_too_big) {
    finish(WebSocketEnd::too_large);
  } else if (ec == websocket::condition::protocol_violation) {
    finish(WebSocketEnd::malformed);
  } else {
    lose(WebSocketEnd::lost);
  }
}

bool UpgradedConnection::send(std::shared_ptr<const std::string> text) {
  if (state_ != State::open) {
    return false;
  }
  if (!queue_.empty() && queue_.bytes() + TextQueue::size_of(text) > options_.unsent) {
    queue_.drop(writing_);
    end(WebSocketEnd::slow, websocket::close_code::try_again_later, "too much waits to be sent");
    return false;
  }
  queue_.push(std::move(text));
  if (!writing_) {
    write_next();
  }
  return state_ == State::open;
}

void UpgradedConnection::write_next() noexcept {
  try {
    writing_ = true;
    stream_->socket.async_write(
        asio::buffer(*queue_.front()),
        [self = shared_from_this(), text = queue_.front()](error_code ec, std::size_t) { self->on_written(ec); });
  } catch (const std::bad_alloc&) {
    writing_ = false;
    lose(WebSocketEnd::lost);
  }
}

// An error that is not the stream's first has another operation to tell of it.
void UpgradedConnection::on_written(error_code ec) noexcept {
  writing_ = false;
  queue_.pop();
  last_sent_ = now();
  if (ec && ec != asio::error::operation_aborted) {
    lose(state_ == State::closing ? end_ : WebSocketEnd::lost);
  } else if (ec || state_ == State::ended) {
    queue_.drop(false);
  } else if (!queue_.empty()) {
    write_next();
  } else if (state_ == State::closing) {
    write_close();
  }
}

void UpgradedConnection::close(std::uint16_t code, std::string_view reason) noexcept {
  end(WebSocketEnd::handler, code, reason);
}

void UpgradedConnection::end(WebSocketEnd why, std::uint16_t code, std::string_view reason) noexcept {
  if (state_ != State::open) {
    return;
  }
  state_ = State::closing;
  end_ = why;
  code_ = code;
  try {
    reason_ = cut_reason(reason);
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
  }
  has_life();  // what the client takes from now on counts
  close_by_ = now() + session_->server_->limits().write_timeout;
  if (writing_) {
    arm(std::min<SteadyTime>(close_by_, now() + closing_look));
  } else {
    write_close();
  }
}

void UpgradedConnection::write_close() noexcept {
  try {
    arm(std::min<SteadyTime>(close_by_, now() + closing_look));
    const websocket::close_reason why(static_cast<websocket::close_code>(code_), {reason_.data(), reason_.size()});
    stream_->socket.async_close(why, [self = shared_from_this()](error_code ec) { self->on_closed(ec); });
  } catch (const std::bad_alloc&) {
    lose(end_);
  }
}

void UpgradedConnection::on_closed(error_code ec) noexcept {
  if (state_ == State::ended || ec == asio::error::operation_aborted) {
    return;
  }
  if (ec) {
    lose(end_);
  } else {
    finish(end_);
  }
}

void UpgradedConnection::begin_closing() noexcept {
  end(WebSocketEnd::closing, websocket::close_code::going_away, "the server is shutting down");
  close_by_ = std::min(close_by_, session_->server_->closing_by());
  if (state_ == State::ended) {
    close_by_ = session_->server_->closing_by();
  }
  arm(close_by_);
}

void UpgradedConnection::abandon() noexcept {
  finish(state_ == State::closing ? end_ : WebSocketEnd::aborted);
  connected_ = false;
}

void UpgradedConnection::lose(WebSocketEnd why) noexcept {
  finish(why);
  connected_ = false;
  session_->close();
}

void UpgradedConnection::finish(WebSocketEnd why) noexcept {
  if (state_ == State::ended) {
    return;
  }
  state_ = State::ended;
  queue_.drop(writing_);
  session_->server_->show_web_sockets(-1);
  session_->server_->count_web_socket_end(why);
  if (session_->server_->closing() && serving_) {
    arm(session_->server_->closing_by());
  } else {
    session_->shard_.shard.wheel.disarm(*this);
  }
  if (waiting_) {
    waiting_->cancel();
  }
}

awaitable<bool> UpgradedConnection::closed() {
  serving_ = false;
  if (state_ != State::ended) {
    waiting_ = std::make_unique<Timer>(session_->server_->clock(), co_await this_coro::executor);
  }
  while (state_ != State::ended) {
    [[maybe_unused]] const bool never = co_await waiting_->wait_until(SteadyTime::max());
  }
  session_->shard_.shard.wheel.disarm(*this);
  co_return connected_;
}

SteadyTime UpgradedConnection::now() const noexcept {
  return session_->server_->clock().now();
}

void UpgradedConnection::arm(SteadyTime when) noexcept {
  session_->shard_.shard.wheel.arm(*this, Deadline::at(when));
}

void UpgradedConnection::on_expired() noexcept {
  switch (state_) {
    case State::open:
      look();
      break;
    case State::closing:
      look_at_closing();
      break;
    case State::ended:  // the drain does not wait for the handler any more
      session_->leave();
      break;
  }
}

// Looks at the client now and then, so that usual messages cost nothing.
void UpgradedConnection::look() noexcept {
  if (!reading_ && session_->has_hung_up()) {
    lose(WebSocketEnd::lost);
    return;
  }
  if (has_life()) {
    last_life_ = now();
  }
  if (options_.idle_timeout.count() > 0 && now() - last_life_ >= options_.idle_timeout) {
    end(WebSocketEnd::idle, websocket::close_code::policy_error, "nothing came from the client for too long");
  } else if (message_is_late()) {
    end(WebSocketEnd::too_large, websocket::close_code::policy_error, "the message did not come whole in time");
  } else {
    ping();
    arm_for_look();
  }
}

// A client is not to blame for the input that nobody reads. That its kernel takes a ping frame says nothing about the
// client, which would have answered it; that it takes what has piled up does.
bool UpgradedConnection::has_life() noexcept {
  const bool heard = stream_->socket.next_layer().take_heard();
  const bool piled_up = writing_ || options_.ping == WebSocketPing::empty_text;
  const bool taken = takes();
  return heard || !reading_ || (taken && piled_up);
}

// Whether the client's kernel has taken something since the last call.
bool UpgradedConnection::takes() noexcept {
  const std::uint64_t written = stream_->socket.next_layer().written();
  const auto unsent = session_->unsent_bytes();
  const auto taken = static_cast<std::int64_t>(written) - unsent;
  const bool some = taken > taken_seen_ || (unsent == 0 && written != written_seen_);
  taken_seen_ = taken;
  written_seen_ = written;
  return some;
}

// A message that comes bit by bit would hold its memory for as long as its client likes.
bool UpgradedConnection::message_is_late() noexcept {
  if (!reading_ || stream_->socket.is_message_done()) {
    message_seen_ = 0;
    return false;
  }
  const std::uint64_t number = messages_ + 1;
  if (std::exchange(message_seen_, number) != number) {
    message_since_ = now();
  }
  return now() - message_since_ >= session_->server_->limits().body_timeout;
}

void UpgradedConnection::ping() noexcept {
  if (options_.ping_every.count() == 0 || writing_ || now() - last_sent_ < options_.ping_every) {
    return;
  }
  try {
    if (options_.ping == WebSocketPing::empty_text) {
      static const auto nothing = std::make_shared<const std::string>();
      send(nothing);
    } else if (!std::exchange(pinging_, true)) {
      last_sent_ = now();
      stream_->socket.async_ping({}, [self = shared_from_this()](error_code) { self->pinging_ = false; });
    }
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
  }
}

void UpgradedConnection::arm_for_look() noexcept {
  SteadyTime next = SteadyTime::max();
  if (options_.idle_timeout.count() > 0) {
    next = last_life_ + options_.idle_timeout;
  }
  if (options_.ping_every.count() > 0) {
    next = std::min<SteadyTime>(next, std::max(last_sent_ + options_.ping_every, now() + TimingWheel::tick));
  }
  arm(next);
}

void UpgradedConnection::look_at_closing() noexcept {
  const bool goes_on = writing_ && takes() && now() < close_by_;
  if (goes_on) {
    arm(std::min<SteadyTime>(close_by_, now() + closing_look));
    return;
  }
  lose(end_);
}

}  // namespace tern::http
