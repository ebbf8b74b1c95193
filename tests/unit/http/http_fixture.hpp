#pragma once

#include "http/server.hpp"
#include "http_client.hpp"
#include "support/served_certificate.hpp"
#include "support/tls_layer.hpp"

#include <tern/async/log.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/async/timer.hpp>

#include <boost/asio/co_spawn.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tern::test {

/// A body that the test feeds: `next` waits until there is a piece, the end, or a failure.
struct FedBody {
  explicit FedBody(Clock& clock) : clock_(clock) {}

  void feed(std::string piece) {
    pieces.push_back(std::move(piece));
    wake();
  }
  void end() {
    ended = true;
    wake();
  }
  void fail() {
    failed = true;
    wake();
  }
  void wake() {
    if (timer) {
      timer->cancel();
    }
  }

  Clock& clock_;
  std::vector<std::string> pieces;
  Timer* timer = nullptr;
  bool ended = false;
  bool failed = false;
  bool cancelled = false;
  int alive = 0;
};

class FedSource final : public http::BodySource {
 public:
  explicit FedSource(std::shared_ptr<FedBody> body) : body_(std::move(body)) { ++body_->alive; }
  ~FedSource() override { --body_->alive; }
  FedSource(const FedSource&) = delete;
  FedSource& operator=(const FedSource&) = delete;

  awaitable<std::optional<std::string>> next() override {
    Timer timer(body_->clock_, co_await this_coro::executor);
    while (body_->pieces.empty() && !body_->ended && !body_->failed) {
      body_->timer = &timer;
      try {
        [[maybe_unused]] const bool came = co_await timer.wait_until(SteadyTime::max());
      } catch (...) {
        body_->timer = nullptr;
        body_->cancelled = true;
        throw;
      }
      body_->timer = nullptr;
    }
    if (body_->failed) {
      throw std::runtime_error("the source failed");
    }
    if (body_->pieces.empty()) {
      co_return std::nullopt;
    }
    std::string piece = std::move(body_->pieces.front());
    body_->pieces.erase(body_->pieces.begin());
    co_return piece;
  }

 private:
  std::shared_ptr<FedBody> body_;
};

/// What the tests' servers serve; see `handle`.
class TestHandler final : public http::HttpHandler {
 public:
  explicit TestHandler(Clock& clock) : clock_(clock), fed(std::make_shared<FedBody>(clock)) {}

  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override {
    ++requests;
    const std::string path(request.path());
    if (path == "/throw") {
      throw std::runtime_error("secret text of the request");
    }
    if (path == "/held") {
      co_await hold();
    }
    http::HttpResponse response(200);
    if (path == "/echo" || path == "/held") {
      response.body = std::move(request.body());
      response.content_type = "text/plain";
      if (big_when_released) {
        response.body.assign(8 * 1024 * 1024, 'b');
      } else if (stream_when_released) {
        response.source = std::make_unique<FedSource>(fed);
      }
    } else if (path == "/socket" && upgrade) {
      response.headers = {{"X-Own", "yes"}};
      response.upgrade = upgrade();
    } else if (path == "/big") {
      response.body.assign(8 * 1024 * 1024, 'b');
    } else if (path == "/shared") {
      response.shared_body = shared;
    } else if (path == "/large") {
      response.body.assign(200'000, 'l');
    } else if (path == "/medium") {
      response.body.assign(20 * 1024, 'm');
    } else if (path == "/stream") {
      response.content_type = "text/event-stream";
      response.source = std::make_unique<FedSource>(fed);
    } else if (path == "/status") {
      response.status = static_cast<unsigned>(std::stoul(std::string(request.query())));
      response.body = "text";
    } else if (path == "/headers") {
      response.headers = {{"X-Good", "one\r\nX-Evil: two"}, {"bad name", "x"}, {"Content-Length", "77"}};
    } else if (path == "/bye") {
      response.headers = {{"connection", "Close"}};
    } else if (path == "/info") {
      response.body = std::to_string(static_cast<int>(request.method())) + "|" + path + "|" +
                      std::string(request.query()) + "|" + std::string(request.header("x-TEST").value_or("-")) + "|" +
                      std::string(request.peer()) + "|" + request.body();
    }
    ++answered;
    co_return response;
  }

  void complete_refusal(const http::HttpRequest& request, http::HttpResponse& response) override {
    if (const auto origin = request.header("origin")) {
      response.headers.emplace_back("X-For", std::string(request.path()) + " of " + std::string(*origin));
    }
  }

  /// Lets the handlers of `/held` go on.
  void release() {
    for (Timer* timer : std::vector<Timer*>(held)) {
      timer->cancel();
    }
  }

  Clock& clock_;
  std::atomic<int> requests = 0;
  std::atomic<int> answered = 0;
  bool big_when_released = false;  // what "/held" is answered with, instead of its body
  bool stream_when_released = false;
  std::function<std::unique_ptr<http::WebSocketHandler>()> upgrade;  // what "/socket" becomes
  std::vector<Timer*> held;
  std::shared_ptr<FedBody> fed;
  std::shared_ptr<const std::string> shared;  // the body of "/shared"

 private:
  awaitable<void> hold() {
    Timer timer(clock_, co_await this_coro::executor);
    held.push_back(&timer);
    [[maybe_unused]] const bool came = co_await timer.wait_until(SteadyTime::max());
    std::erase(held, &timer);
  }
};

/// Lets the server, and all clients, speak TLS when `over_tls` says so.
inline void speak_as_told(http::Server& server) {
  if (over_tls()) {
    server.serve_tls(usual_certificate());
    WireClient::usual_layer = tls_layer();
  }
}

inline void ignore_end(std::exception_ptr error) {
  if (error) {
    ADD_FAILURE() << "a background coroutine of the test ended with an exception";
  }
}

/// A server on an `io_context` that the test runs itself, with a clock that it moves.
class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }

  void start(http::ServerLimits limits) {
    server =
        std::make_unique<http::Server>(std::vector<http::ServerShard>{{io, *wheel}}, handler, limits, clock, metrics);
    speak_as_told(*server);
    server->listen("127.0.0.1", 0);
    server->start();
    settle();
  }

  /// Runs all that is ready.
  void settle() {
    io.restart();
    while (io.poll() > 0) {
    }
  }
  /// Runs until `done`.
  template <class Condition>
  void until(Condition done) {
    const auto begun = std::chrono::steady_clock::now();
    while (!done()) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(5));
      ASSERT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60)) << "the condition does not come";
    }
  }
  /// Runs until the server has taken what the client sent.
  void arrived(WireClient& client) {
    client.delivered();
    settle();
  }
  void advance(SteadyTime::duration by) {
    settle();
    clock.advance(by);
    settle();
  }

  WireClient connect() {
    const std::size_t before = server->connections();
    const double secured = handshakes("done");
    WireClient client(server->port(), [this] { settle(); });
    until([&] { return server->connections() > before; });
    client.begin();
    if (over_tls() && !client.was_refused()) {  // the client is done before the server is
      until([&] { return handshakes("done") > secured; });
    }
    return client;
  }

  double rejected(const std::string& reason) {
    return metrics.counter("tern_http_rejected_total", "", {{"reason", reason}}).value();
  }
  double handshakes(const std::string& outcome) {
    return metrics.counter("tern_tls_handshakes_total", "", {{"outcome", outcome}}).value();
  }
  double answered(const std::string& code) {
    return metrics.counter("tern_http_requests_total", "", {{"code", code}}).value();
  }

  ManualClock clock;
  Metrics metrics;
  TestHandler handler{clock};
  asio::io_context io{1};
  std::unique_ptr<TimingWheel> wheel = make_wheel();
  std::unique_ptr<http::Server> server;

 private:
  std::unique_ptr<TimingWheel> make_wheel() {
    log::configure(log::Level::off, log::Format::text);
    auto made = std::make_unique<TimingWheel>(clock, io.get_executor());
    asio::co_spawn(io, made->run(), ignore_end);
    return made;
  }
};

/// The server's whole error body.
inline std::string error_text(std::string_view code, std::string_view message) {
  return "{\"error\":{\"code\":\"" + std::string(code) + "\",\"message\":\"" + std::string(message) + "\"}}";
}

/// A response without its Date, which must be there.
inline std::string without_date(std::string text) {
  const auto at = text.find("Date: ");
  EXPECT_NE(at, std::string::npos) << text;
  return at == std::string::npos ? text : text.erase(at, text.find("\r\n", at) + 2 - at);
}

inline const std::string get_empty = "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n";

inline std::string post(std::string_view path, std::string_view body, std::string_view more = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(more) + "\r\n" + std::string(body);
}

}  // namespace tern::test
