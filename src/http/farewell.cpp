#include "http/farewell.hpp"

#include "async/timing_wheel.hpp"
#include "http/lingering.hpp"
#include "http/rejection.hpp"
#include "http/server_state.hpp"

#include <tern/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <string_view>
#include <utility>

namespace tern::http {

namespace {

// A record of TLS with the fatal alert internal_error (RFC 8446, 6).
constexpr std::string_view internal_error_alert("\x15\x03\x03\x00\x02\x02\x50", 7);

using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

}  // namespace

/// A client that was refused. The handler that waits for its input keeps it alive.
class Farewells::One final : public TimingWheel::Entry, public std::enable_shared_from_this<One> {
 public:
  One(std::shared_ptr<Farewells> all, StreamSocket socket) : all_(std::move(all)), socket_(std::move(socket)) {
    all_->server_->count_open(true);
  }
  ~One() override {
    unlink();  // before the list may be destroyed
    all_->server_->count_closed(true);
  }
  One(const One&) = delete;
  One& operator=(const One&) = delete;

  void begin(std::string_view text) {
    error_code error;
    socket_.non_blocking(true, error);
    socket_.write_some(asio::buffer(text), error);  // these are the first bytes, and fit into the socket's buffer
    if (!error) {
      socket_.shutdown(StreamSocket::shutdown_send, error);
    }
    if (!error) {
      auto& server = *all_->server_;
      server.first_shard().wheel.arm(*this, Deadline::after(linger_time, server.clock()));
      wait();
    }
  }

  // The input is read first: closing with unread input makes the kernel send a reset, which destroys the response.
  void end() noexcept {
    drop_input();
    error_code ignored;
    socket_.close(ignored);
    unlink();
  }

  Hook hook;

 private:
  void on_expired() noexcept override { end(); }

  void unlink() noexcept {
    if (hook.is_linked()) {
      hook.unlink();
      --all_->count_;
    }
  }

  void wait() {
    socket_.async_wait(StreamSocket::wait_read, [self = shared_from_this()](error_code error) {
      if (error || !self->socket_.is_open()) {
        return;
      }
      if (self->drop_input()) {
        self->wait();
      } else {
        self->end();
      }
    });
  }

  // False when the client has ended, or has sent too much.
  bool drop_input() noexcept {
    std::array<char, 4096> bytes;
    error_code error;
    while (!error && dropped_ < linger_bytes) {
      dropped_ += socket_.read_some(asio::buffer(bytes), error);
    }
    return error == asio::error::would_block;
  }

  std::shared_ptr<Farewells> all_;
  StreamSocket socket_;
  std::size_t dropped_ = 0;
};

struct Farewells::List : boost::intrusive::list<One, boost::intrusive::member_hook<One, Hook, &One::hook>,
                                                boost::intrusive::constant_time_size<false>> {};

Farewells::Farewells(std::shared_ptr<ServerState> server)
    : server_(std::move(server)), all_(std::make_unique<List>()) {}

Farewells::~Farewells() = default;

void Farewells::say(StreamSocket socket) {
  server_->count_rejection(Rejection::connections);
  server_->count_response(text_of(Rejection::connections).status);
  if (count_ >= server_->limits().refusals) {
    close_oldest();
  }
  const auto one = std::make_shared<One>(shared_from_this(), std::move(socket));
  all_->push_back(*one);
  ++count_;
  one->begin(text());
}

bool Farewells::close_oldest() noexcept {
  if (all_->empty()) {
    return false;
  }
  all_->front().end();
  return true;
}

void Farewells::close_all() noexcept {
  while (close_oldest()) {
  }
}

// A client of TLS that has not even begun a handshake understands an alert, and no HTTP.
std::string Farewells::text() {
  if (server_->secured()) {
    return std::string(internal_error_alert);
  }
  return text_for(Rejection::connections, date_.at(server_->clock().wall_now()));
}

}  // namespace tern::http
