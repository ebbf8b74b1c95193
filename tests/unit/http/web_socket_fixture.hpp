#pragma once

#include "http_fixture.hpp"
#include "web_socket_client.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace tern::test {

/// What the WebSockets of a test do, and what they have seen.
struct ServedSockets {
  http::WebSocketOptions options;
  bool echoes = true;
  bool throws = false;                  // at the first message
  Timer* instead_of_reading = nullptr;  // a handler that does not read waits on this
  bool reads = true;
  std::vector<std::shared_ptr<http::WebSocket>> open;  // those whose handlers run
  std::vector<std::string> messages;
  int ended = 0;
};

class ServedSocket final : public http::WebSocketHandler {
 public:
  ServedSocket(std::shared_ptr<ServedSockets> all, Clock& clock) : all_(std::move(all)), clock_(clock) {}

  http::WebSocketOptions options() const override { return all_->options; }

  awaitable<void> serve(std::shared_ptr<http::WebSocket> socket) override {
    all_->open.push_back(socket);
    if (!all_->reads) {
      Timer timer(clock_, co_await this_coro::executor);
      all_->instead_of_reading = &timer;
      [[maybe_unused]] const bool came = co_await timer.wait_until(SteadyTime::max());
    }
    for (;;) {
      const std::optional<std::string> message = co_await socket->read();
      if (!message) {
        break;
      }
      all_->messages.push_back(*message);
      if (all_->throws) {
        std::erase(all_->open, socket);
        throw std::runtime_error("secret text of the message");
      }
      if (all_->echoes) {
        socket->send(std::make_shared<const std::string>(*message));
      }
    }
    std::erase(all_->open, socket);
    ++all_->ended;
  }

 private:
  std::shared_ptr<ServedSockets> all_;
  Clock& clock_;
};

/// A server whose "/socket" is a WebSocket.
class WebSocketTest : public HttpServerTest {
 protected:
  void SetUp() override { serve({}); }

  void serve(http::ServerLimits limits) {
    handler.upgrade = [this] { return std::make_unique<ServedSocket>(served, clock); };
    start(limits);
  }
  /// One whose handshake is done.
  WebSocketClient open_socket(std::string_view early = "") {
    WebSocketClient client(connect());
    EXPECT_EQ(client.open("/socket", early).status, 101);
    return client;
  }
  static std::shared_ptr<const std::string> text_of(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
  }
  double ended_by(const std::string& reason) {
    return metrics.counter("tern_http_web_sockets_ended_total", "", {{"reason", reason}}).value();
  }
  double shown() { return metrics.gauge("tern_http_web_sockets", "").value(); }
  /// Lets time pass as it does, in steps that nothing is missed in.
  void pass(std::chrono::seconds time) {
    for (; time.count() > 0; --time) {
      advance(std::chrono::seconds(1));
    }
  }

  std::shared_ptr<ServedSockets> served = std::make_shared<ServedSockets>();
};

}  // namespace tern::test
