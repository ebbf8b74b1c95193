// What bounds a WebSocket of a server: sizes, slow clients, silence.
#include "web_socket_fixture.hpp"

#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tern::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Op = WebSocketOp;

class HttpServerWebSocketBounds : public WebSocketTest {
 protected:
  /// A client whose kernel keeps little.
  WebSocketClient open_small() {
    const double before = shown();
    WebSocketClient client(WireClient(server->port(), [this] { settle(); }, 2'048));
    EXPECT_EQ(client.open("/socket").status, 101);
    until([&] { return shown() > before; });
    return client;
  }
};

/// A client without memory of its own: all that is allocated for it is the server's.
class BareSocket {
 public:
  explicit BareSocket(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string request = handshake_of("/socket");
    const bool sent = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 &&
                      ::send(descriptor_, request.data(), request.size(), 0) > 0;
    EXPECT_TRUE(sent);
  }
  ~BareSocket() { ::close(descriptor_); }
  BareSocket(const BareSocket&) = delete;
  BareSocket& operator=(const BareSocket&) = delete;

 private:
  int descriptor_ = ::socket(AF_INET, SOCK_STREAM, 0);
};

TEST_F(HttpServerWebSocketBounds, AnIdleSocketCostsLittleMemory) {
  if (over_tls() || ::mallinfo2().uordblks == 0) {
    GTEST_SKIP() << "OpenSSL needs more, and a sanitizer does not tell";
  }
  std::vector<std::unique_ptr<BareSocket>> clients;
  const auto open_up_to = [&](std::size_t size) {
    while (clients.size() < size) {
      clients.push_back(std::make_unique<BareSocket>(server->port()));
      until([&] { return shown() == static_cast<double>(clients.size()); });
    }
  };
  open_up_to(20);
  const auto before = ::mallinfo2().uordblks;
  open_up_to(420);
  const auto each = (::mallinfo2().uordblks - before) / 400;
  RecordProperty("bytes_for_each", std::to_string(each));
  EXPECT_LT(each, 12'000U);
  clients.clear();
  until([&] { return server->connections() == 0; });
}

TEST_F(HttpServerWebSocketBounds, AMessageThatIsTooLargeClosesTheSocket) {
  served->options.message = 1'000;
  {
    auto client = open_socket();
    client.send_text(std::string(1'000, 'm'));
    EXPECT_EQ(client.read_text().size(), 1'000U);
    client.send_text(std::string(1'001, 'm'));
    EXPECT_EQ(client.read_close(), 1009U);
    EXPECT_TRUE(client.wire().sees_end());
  }
  until([&] { return server->connections() == 0; });
  auto client = open_socket();
  client.send(Op::text, std::string(600, 'm'), false);
  client.send(Op::more, std::string(401, 'm'), true);
  EXPECT_EQ(client.read_close(), 1009U);
  settle();
  EXPECT_EQ(ended_by("too_large"), 2);
}

TEST_F(HttpServerWebSocketBounds, AMessageIsBoundedLikeABody) {
  serve({.body = 500});
  auto client = open_socket();
  client.send_text(std::string(500, 'm'));
  EXPECT_EQ(client.read_text().size(), 500U);
  client.send_text(std::string(501, 'm'));
  EXPECT_EQ(client.read_close(), 1009U);
}

TEST_F(HttpServerWebSocketBounds, ASlowClientIsClosedAndNobodyWaitsForIt) {
  served->options.unsent = 100'000;
  auto slow = open_small();
  const auto socket = served->open.front();
  auto quick = open_socket();
  const auto text = text_of(std::string(50'000, 's'));
  int sent = 0;
  while (sent < 1'000 && socket->send(text)) {
    ++sent;
    settle();
    EXPECT_LE(socket->unsent(), 100'000U);
  }
  EXPECT_LT(sent, 1'000);
  EXPECT_FALSE(socket->send(text));
  EXPECT_LE(socket->unsent(), 50'010U) << "what had not begun was dropped";
  quick.send_text("and me?");
  EXPECT_EQ(quick.read_text(), "and me?");
  EXPECT_EQ(served->ended, 0);
  pass(5s);
  EXPECT_EQ(served->ended, 1) << "its reader has seen the end";
  EXPECT_EQ(ended_by("slow"), 1);
  until([&] { return server->connections() == 1; });
  EXPECT_EQ(text.use_count(), 1);
}

TEST_F(HttpServerWebSocketBounds, ASlowClientThatReadsOnIsToldToComeBack) {
  served->options.unsent = 1'000'000;
  auto slow = open_small();
  const auto socket = served->open.front();
  const auto text = text_of(std::string(500'000, 's'));
  int sent = 0;
  while (sent < 100 && socket->send(text)) {
    ++sent;
    settle();
  }
  int got = 0;
  for (auto frame = slow.read(); frame.op != Op::close; frame = slow.read()) {
    EXPECT_EQ(frame.payload, *text);
    ++got;
    if (got > sent) {
      break;
    }
  }
  EXPECT_GT(got, 0);
  slow.send(Op::close, close_payload(1013));
  EXPECT_TRUE(slow.wire().sees_end());
  EXPECT_EQ(ended_by("slow"), 1);
}

TEST_F(HttpServerWebSocketBounds, OneTextMayBeLargerThanTheBound) {
  served->options.unsent = 10;
  auto client = open_socket();
  EXPECT_TRUE(served->open.front()->send(text_of(std::string(1'000'000, 'l'))));
  EXPECT_EQ(client.read_text().size(), 1'000'000U);
}

TEST_F(HttpServerWebSocketBounds, APingComesWhenNothingWasSent) {
  auto client = open_socket();
  pass(19s);
  EXPECT_FALSE(client.has_input());
  client.send_text("hello");
  EXPECT_EQ(client.read_text(), "hello");
  pass(19s);
  EXPECT_FALSE(client.has_input());
  pass(2s);
  EXPECT_EQ(client.read().op, Op::ping);
  for (int i = 0; i < 30; ++i) {  // ten minutes
    client.send(Op::pong, "");
    arrived(client.wire());
    pass(21s);
    EXPECT_EQ(client.read().op, Op::ping);
  }
  EXPECT_EQ(shown(), 1);
}

TEST_F(HttpServerWebSocketBounds, AClientThatAnswersNoPingIsGone) {
  auto client = open_socket();
  pass(58s);
  EXPECT_EQ(shown(), 1);
  pass(3s);
  EXPECT_EQ(client.read().op, Op::ping);
  EXPECT_EQ(client.read().op, Op::ping);
  EXPECT_EQ(client.read_close(), 1008U);
  pass(3s);
  EXPECT_EQ(served->ended, 1);
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(ended_by("idle"), 1);
}

TEST_F(HttpServerWebSocketBounds, AnEmptyTextIsAPingThatTheKernelAnswers) {
  served->options.ping = http::WebSocketPing::empty_text;
  auto client = open_socket();
  for (int i = 0; i < 12; ++i) {
    pass(21s);
    const auto frame = client.read();
    EXPECT_EQ(frame.op, Op::text);
    EXPECT_EQ(frame.payload, "");
    client.wire().delivered();
  }
  EXPECT_EQ(shown(), 1);
}

TEST_F(HttpServerWebSocketBounds, NobodyIsPingedWhoShallNotBe) {
  served->options.ping_every = 0ms;
  served->options.idle_timeout = 0ms;
  auto client = open_socket();
  pass(600s);
  EXPECT_FALSE(client.has_input());
  client.send_text("still here");
  EXPECT_EQ(client.read_text(), "still here");
}

TEST_F(HttpServerWebSocketBounds, AClientThatTakesAndSaysNothingIsThere) {
  served->options.unsent = 100'000'000;
  auto client = open_small();
  served->open.front()->send(text_of(std::string(8'000'000, 'l')));
  for (int i = 0; i < 12; ++i) {  // two minutes, in which pings wait behind the text
    client.wire().read_some(1);
    settle();
    pass(10s);
  }
  EXPECT_EQ(shown(), 1);
}

TEST_F(HttpServerWebSocketBounds, AMessageThatComesBitByBitIsCutOff) {
  auto client = open_socket();
  client.send(Op::text, "o", false);
  for (int i = 0; i < 60 && shown() > 0; ++i) {
    client.send(Op::more, "o", false);
    arrived(client.wire());
    pass(1s);
    while (client.has_input()) {
      if (client.read().op == Op::close) {
        i = 60;
      }
    }
  }
  pass(3s);
  EXPECT_EQ(ended_by("too_large"), 1);
  EXPECT_THAT(served->messages, ElementsAre());
}

TEST_F(HttpServerWebSocketBounds, AHandlerThatDoesNotReadIsNotTheClientsFault) {
  served->reads = false;
  auto client = open_socket();
  client.send_text("hello");
  pass(200s);
  EXPECT_EQ(shown(), 1);
  served->instead_of_reading->cancel();
  for (auto frame = client.read(); frame.op == Op::ping; frame = client.read()) {
    EXPECT_EQ(frame.op, Op::ping);
  }
  EXPECT_THAT(served->messages, ElementsAre("hello"));
}

TEST_F(HttpServerWebSocketBounds, AClientThatVanishesIsNoticedWithoutAReader) {
  served->reads = false;
  auto client = open_socket();
  arrived(client.wire());
  client.wire().reset();
  settle();
  pass(21s);
  EXPECT_EQ(shown(), 0);
  EXPECT_FALSE(served->open.front()->send(text_of("too late")));
  served->instead_of_reading->cancel();
  until([&] { return server->connections() == 0; });
}

}  // namespace
}  // namespace tern::test
