// How WebSockets of a server end: by the client, the handler, the server.
#include "web_socket_fixture.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using Op = WebSocketOp;

class HttpServerWebSocketEnd : public WebSocketTest {
 protected:
  void drain(std::chrono::seconds most) {
    asio::co_spawn(
        io,
        [](HttpServerWebSocketEnd& self, std::chrono::seconds time) -> awaitable<void> {
          const bool clean = co_await self.server->drain(Deadline::after(time, self.clock));
          self.drained = clean;
        }(*this, most),
        ignore_end);
    settle();
  }
  std::optional<bool> drained;
};

TEST_F(HttpServerWebSocketEnd, TheClientClosesAndIsAnswered) {
  auto client = open_socket();
  client.send(Op::close, close_payload(4321, "bye"));
  EXPECT_EQ(client.read_close(), 4321U);
  EXPECT_TRUE(client.wire().sees_end());
  EXPECT_EQ(served->ended, 1);
  EXPECT_EQ(ended_by("client"), 1);
  EXPECT_EQ(shown(), 0);
  client.wire().close();
  until([&] { return server->connections() == 0; });
}

TEST_F(HttpServerWebSocketEnd, TheHandlerClosesAfterWhatItHasSent) {
  served->options.unsent = 5'000'000;
  auto client = open_socket();
  const auto socket = served->open.front();
  socket->send(text_of(std::string(3'000'000, 'l')));
  socket->send(text_of("the end"));
  socket->close(4000, std::string(122, 'r') + "\xc3\xa4\xc3\xa4");
  socket->close(4001, "only the first counts");
  EXPECT_FALSE(socket->send(text_of("too late")));
  EXPECT_EQ(client.read_text().size(), 3'000'000U);
  EXPECT_EQ(client.read_text(), "the end");
  const auto frame = client.read();
  EXPECT_EQ(frame.code(), 4000U);
  EXPECT_EQ(frame.payload.substr(2), std::string(122, 'r')) << "cut before the character that does not fit";
  client.send_text("a message that crossed the close frame");
  client.send(Op::close, close_payload(4000));
  EXPECT_TRUE(client.wire().sees_end());
  EXPECT_EQ(served->ended, 1);
  EXPECT_TRUE(served->messages.empty());
  EXPECT_EQ(ended_by("handler"), 1);
}

TEST_F(HttpServerWebSocketEnd, AClientThatDoesNotAnswerACloseIsCut) {
  auto client = open_socket();
  served->open.front()->close(4000, "");
  EXPECT_EQ(client.read_close(), 4000U);
  EXPECT_EQ(served->ended, 0);
  pass(3s);
  EXPECT_EQ(served->ended, 1);
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(ended_by("handler"), 1);
}

TEST_F(HttpServerWebSocketEnd, TheEndOfTheHandlerClosesWithoutAFault) {
  served->reads = false;
  auto client = open_socket();
  client.send(Op::close, close_payload(1001));  // so that its read ends at once
  served->instead_of_reading->cancel();
  EXPECT_EQ(client.read_close(), 1001U);
  EXPECT_EQ(ended_by("client"), 1);
}

class EndsAtOnce final : public http::WebSocketHandler {
 public:
  awaitable<void> serve(std::shared_ptr<http::WebSocket> socket) override {
    socket->send(std::make_shared<const std::string>("that was all"));
    co_return;
  }
};

TEST_F(HttpServerWebSocketEnd, AHandlerMayEndAtOnce) {
  handler.upgrade = [] { return std::make_unique<EndsAtOnce>(); };
  auto client = open_socket();
  EXPECT_EQ(client.read_text(), "that was all");
  EXPECT_EQ(client.read_close(), 1000U);
  client.send(Op::close, close_payload(1000));
  EXPECT_TRUE(client.wire().sees_end());
  EXPECT_EQ(ended_by("handler"), 1);
}

TEST_F(HttpServerWebSocketEnd, AHandlerThatThrowsClosesWith1011) {
  served->throws = true;
  auto client = open_socket();
  client.send_text("boo");
  const auto frame = client.read();
  EXPECT_EQ(frame.code(), 1011U);
  EXPECT_EQ(frame.payload.find("secret"), std::string::npos);
  client.send(Op::close, close_payload(1011));
  EXPECT_TRUE(client.wire().sees_end());
  EXPECT_EQ(ended_by("failed"), 1);
}

TEST_F(HttpServerWebSocketEnd, AClientMayVanishAtAnyByte) {
  const std::string wire = handshake_of("/socket") + wire_frame(0x81, "hello") + wire_frame(0x89, "ping") +
                           wire_frame(0x01, "he") + wire_frame(0x88, close_payload(1000));
  for (std::size_t n = handshake_of("/socket").size() - 2; n <= wire.size(); ++n) {
    for (const bool hard : {false, true}) {
      auto client = connect();
      client.send(wire.substr(0, n));
      arrived(client);
      hard ? client.reset() : client.close();
      until([&] { return server->connections() == 0; });
      EXPECT_TRUE(served->open.empty());
    }
  }
  EXPECT_EQ(shown(), 0);
}

TEST_F(HttpServerWebSocketEnd, ADrainSaysGoodbye) {
  auto client = open_socket();
  drain(30s);
  EXPECT_EQ(client.read_close(), 1001U);
  EXPECT_FALSE(drained);
  client.send(Op::close, close_payload(1001));
  EXPECT_TRUE(client.wire().sees_end());
  client.wire().close();
  until([&] { return drained.has_value(); });
  EXPECT_EQ(drained, true);
  EXPECT_EQ(ended_by("closing"), 1);
}

TEST_F(HttpServerWebSocketEnd, ADrainWaitsForNobodyBeyondTheClosingTime) {
  auto silent = open_socket();
  served->reads = false;
  auto held = open_socket();
  drain(30s);
  EXPECT_EQ(held.read_close(), 1001U);
  held.send(Op::close, close_payload(1001));
  arrived(held.wire());
  advance(900ms);
  EXPECT_FALSE(drained);
  advance(200ms);
  EXPECT_EQ(drained, true);
  EXPECT_EQ(served->ended, 1) << "the handler that does not read goes on";
  EXPECT_EQ(ended_by("closing"), 2);
  served->instead_of_reading->cancel();
  settle();
  EXPECT_EQ(served->ended, 2);
}

TEST_F(HttpServerWebSocketEnd, NoSocketBeginsOnceTheServerCloses) {
  auto client = connect();
  client.send(post("/held", "x"));
  arrived(client);
  WireClient other = connect();
  handler.upgrade = [this] {
    server->stop_accepting();
    settle();
    return std::make_unique<ServedSocket>(served, clock);
  };
  other.send(handshake_of("/socket"));
  const auto response = other.read();
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(shown(), 0);
  handler.release();
}

TEST_F(HttpServerWebSocketEnd, AnAbortEndsThemAtOnce) {
  auto client = open_socket();
  served->reads = false;
  auto held = open_socket();
  const auto socket = served->open.back();
  server->abort();
  settle();
  EXPECT_EQ(served->ended, 1);
  EXPECT_FALSE(socket->send(text_of("too late")));
  EXPECT_EQ(ended_by("aborted"), 2);
  EXPECT_TRUE(client.wire().read_to_end().empty());
  served->instead_of_reading->cancel();
  until([&] { return server->connections() == 0; });
}

TEST_F(HttpServerWebSocketEnd, ASocketThatIsKeptDoesNothingAfterItsEnd) {
  auto client = open_socket();
  const auto socket = served->open.front();
  client.wire().reset();
  until([&] { return server->connections() == 0; });
  EXPECT_FALSE(socket->send(text_of("too late")));
  EXPECT_EQ(socket->unsent(), 0U);
  socket->close(1000, "");
  std::optional<std::string> read = "not yet";
  asio::co_spawn(
      io,
      [](std::shared_ptr<http::WebSocket> kept, std::optional<std::string>& into) -> awaitable<void> {
        into = co_await kept->read();
      }(socket, read),
      ignore_end);
  settle();
  EXPECT_EQ(read, std::nullopt);
  EXPECT_EQ(ended_by("lost"), 1);
}

// Those that are open when the threads of the shards have ended.
TEST_F(HttpServerWebSocketEnd, NothingLeaksWhenTheShardEndsFirst) {
  auto client = open_socket();
  served->open.front()->send(text_of(std::string(8'000'000, 'l')));
  auto closing = open_socket();
  served->open.back()->close(4000, "");
  served->open.clear();
}

}  // namespace
}  // namespace tern::test
