#include "direct_line/stream_session.hpp"

#include "async/describe_error.hpp"
#include "direct_line/frame.hpp"

#include <tern/async/log.hpp>
#include <tern/async/timer.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace tern::direct_line {

namespace {

constexpr std::uint16_t ended_normally = 1000;
constexpr std::uint16_t failed_to_go_on = 1011;
constexpr std::uint16_t come_back_later = 1013;
constexpr std::size_t frame_bytes = std::size_t{64} * 1024;
// A client that is behind is looked at again after these times, longer and longer until it takes something.
constexpr std::chrono::milliseconds first_pause{20};
constexpr std::chrono::milliseconds longest_pause{500};
// One that pings and takes nothing is closed after this time.
constexpr std::chrono::seconds patience{60};

// What a client sends is a ping, and says nothing.
awaitable<void> read_to_the_end(std::shared_ptr<http::WebSocket> socket) {
  while (true) {
    const auto message = co_await socket->read();
    if (!message) {
      co_return;
    }
  }
}

}  // namespace

/// The state that the reader of the socket and the sender share.
struct StreamSession::Pump {
  Pump(std::shared_ptr<http::WebSocket> s, std::unique_ptr<Follower> f, std::uint64_t watermark, std::size_t most,
       Clock& c)
      : socket(std::move(s)), follower(std::move(f)), after(watermark), unsent(most), clock(c) {}

  std::shared_ptr<http::WebSocket> socket;
  std::unique_ptr<Follower> follower;
  std::uint64_t after;
  std::size_t unsent;
  Clock& clock;
  asio::cancellation_signal stop;
};

StreamSession::StreamSession(std::shared_ptr<Conversation> conversation, std::uint64_t watermark,
                             std::shared_ptr<void> place, PacedReader reader, const Bounds& bounds, Clock& clock)
    : follower_(std::make_unique<Follower>(std::move(conversation), watermark, std::move(reader))),
      watermark_(watermark),
      place_(std::move(place)),
      unsent_(std::max(bounds.unsent, bounds.message + frame_bytes)),
      clock_(clock) {}

http::WebSocketOptions StreamSession::options() const {
  constexpr std::size_t longest_of_client = std::size_t{4} * 1024;  // clients send pings and nothing else
  http::WebSocketOptions options;
  options.message = longest_of_client;
  options.unsent = unsent_;
  options.ping = http::WebSocketPing::empty_text;
  return options;
}

// False when it has closed the socket.
awaitable<bool> StreamSession::wait_for_room(Pump& pump, std::size_t bytes) {
  auto least = pump.socket->unsent();
  auto taken_at = pump.clock.now();
  auto pause = first_pause;
  while (true) {
    const auto unsent = pump.socket->unsent();
    if (unsent == 0 || unsent + bytes <= pump.unsent / 2) {
      co_return true;
    }
    const auto now = pump.clock.now();
    if (unsent < least) {
      least = unsent;
      taken_at = now;
      pause = first_pause;
    } else if (now - taken_at >= patience) {
      pump.socket->close(come_back_later, "Nothing of what was sent has been taken for a minute. Come back.");
      co_return false;
    }
    co_await sleep_for(pause, pump.clock);
    pause = std::min(2 * pause, longest_pause);
  }
}

awaitable<bool> StreamSession::send(Pump& pump, const Follower::News& news, std::uint64_t watermark) {
  for (std::size_t begin = 0; begin < news.activities.size();) {
    auto frame = make_frame(news.activities, begin, watermark, frame_bytes);
    const bool has_room = co_await wait_for_room(pump, frame.text->size());
    if (!has_room || !pump.socket->send(std::move(frame.text))) {
      co_return false;
    }
    begin = frame.next;
    watermark = frame.watermark;
  }
  co_return true;
}

awaitable<void> StreamSession::pump(std::shared_ptr<Pump> pump) {
  while (true) {
    const auto news = co_await pump->follower->next(Deadline::never());
    const bool open = co_await send(*pump, news, std::exchange(pump->after, news.watermark));
    if (!open) {
      co_return;
    }
    if (news.ended) {
      pump->socket->close(ended_normally, "The conversation has ended.");
      co_return;
    }
  }
}

awaitable<void> StreamSession::serve(std::shared_ptr<http::WebSocket> socket) {
  const auto ex = co_await this_coro::executor;
  const auto shared = std::make_shared<Pump>(socket, std::move(follower_), watermark_, unsent_, clock_);
  // The handler keeps what the pump uses until the pump has ended.
  asio::co_spawn(ex, pump(shared),
                 asio::bind_cancellation_slot(shared->stop.slot(), [shared](const std::exception_ptr& error) {
                   if (error && !tern::detail::has_code(error, asio::error::operation_aborted)) {
                     log::warn("a socket of Direct Line is closed, and its client will come back",
                               {{"error", tern::detail::message_of(error)}});
                     shared->socket->close(failed_to_go_on, "The conversation cannot be read now. Come back.");
                   }
                 }));
  std::exception_ptr error;
  try {
    co_await read_to_the_end(std::move(socket));
  } catch (...) {
    error = std::current_exception();
  }
  shared->stop.emit(asio::cancellation_type::terminal);
  if (error) {
    std::rethrow_exception(error);
  }
}

}  // namespace tern::direct_line
