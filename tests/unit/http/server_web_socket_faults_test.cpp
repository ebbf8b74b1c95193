// WebSockets whose client goes, or whose server is destroyed, after any handler. Calls of the system that fail are in
// server_faults_test.cpp.
#include "support/run.hpp"
#include "web_socket_fixture.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

const std::string whole_socket = handshake_of("/socket") + wire_frame(0x81, "one") + wire_frame(0x01, "two") +
                                 wire_frame(0x89, "ping") + wire_frame(0x80, "three");

class HttpServerWebSocketGone : public WebSocketTest {};

TEST_F(HttpServerWebSocketGone, AClientThatResetsAfterAnyHandlerIsForgotten) {
  for (const std::size_t quarters : {0U, 1U, 2U, 3U}) {  // of the handlers, before the server closes; 0: it does not
    bool complete = false;
    for (std::size_t n = 0; !complete; ++n) {
      ASSERT_LT(n, 1000U);
      const int ended = served->ended;
      WireClient client(server->port(), [this] { settle(); });
      client.send(whole_socket + wire_frame(0x88, close_payload(1000)));
      client.delivered();
      std::size_t ran = 0;
      io.restart();
      while (ran < n && io.poll_one() > 0) {
        ++ran;
        if (quarters > 0 && ran == n * quarters / 4 && !served->open.empty()) {
          served->open.front()->close(4000, "");
        }
      }
      complete = ran < n;
      client.reset();
      settle();
      until([&] { return server->connections() == 0; });
      EXPECT_LE(served->ended, ended + 1);
      EXPECT_TRUE(served->open.empty());
      EXPECT_EQ(shown(), 0);
    }
  }
}

/// What `destroy_after_every_n_handlers` runs: a WebSocket from its beginning to its end, and one that an abort ends.
struct SocketScenario {
  SocketScenario(asio::io_context& context, ManualClock& time, TestHandler& root, Metrics& metrics)
      : io(context), clock(time), wheel(clock, io.get_executor()) {
    root.upgrade = [this] { return std::make_unique<ServedSocket>(served, clock); };
    asio::co_spawn(io, wheel.run(), ignore_end);
    server.emplace(std::vector<http::ServerShard>{{io, wheel}}, root, http::ServerLimits(), clock, metrics);
    server->listen("127.0.0.1", 0);
    server->start();
    client.emplace(server->port());
    other.emplace(server->port());
  }

  bool advance() {
    switch (step++) {
      case 0:
        send(*client, whole_socket);
        return true;
      case 1:
        clock.advance(21s);
        return true;
      case 2:
        send(*other, handshake_of("/socket"));
        return true;
      case 3:
        for (const auto& socket : served->open) {
          socket->send(std::make_shared<const std::string>(300'000, 'l'));
        }
        return true;
      case 4:
        send(*client, wire_frame(0x88, close_payload(1000)));
        return true;
      case 5:
        server->stop_accepting();
        return true;
      case 6:
        clock.advance(500ms);
        return true;
      case 7:
        server->abort();
        wheel.stop();
        return true;
      default:
        return false;
    }
  }

  static void send(WireClient& from, std::string_view bytes) {
    from.try_send(bytes);
    from.delivered();
  }

  asio::io_context& io;
  ManualClock& clock;
  TimingWheel wheel;
  std::shared_ptr<ServedSockets> served = std::make_shared<ServedSockets>();
  std::optional<http::Server> server;
  std::optional<WireClient> client;
  std::optional<WireClient> other;
  int step = 0;
};

TEST(HttpServerDestruction, OfWebSocketsIsSafeAfterAnyHandler) {
  if (over_tls()) {
    GTEST_SKIP() << "which handlers there are depends on the threads that do the handshakes";
  }
  log::configure(log::Level::off, log::Format::text);
  ManualClock clock;
  Metrics metrics;
  TestHandler handler(clock);
  destroy_after_every_n_handlers(
      [&](asio::io_context& io) { return std::make_unique<SocketScenario>(io, clock, handler, metrics); });
}

}  // namespace
}  // namespace tern::test
