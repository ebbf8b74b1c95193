// WebSockets of a server: the handshake, messages, and the rules of frames.
#include "web_socket_fixture.hpp"

#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <boost/asio/local/stream_protocol.hpp>

namespace tern::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Op = WebSocketOp;

class HttpServerWebSocket : public WebSocketTest {};

// The request of RFC 6455, 1.2, with other headers in its place.
std::string shaken(std::string_view upgrade, std::string_view connection, std::string_view version,
                   std::string_view key, std::string_view line = "GET /socket HTTP/1.1") {
  std::string request(line);
  request.append("\r\nHost: a\r\n").append(upgrade).append(connection).append(version).append(key);
  return request.append("\r\n");
}

constexpr std::string_view good_upgrade = "Upgrade: websocket\r\n";
constexpr std::string_view good_connection = "Connection: Upgrade\r\n";
constexpr std::string_view good_version = "Sec-WebSocket-Version: 13\r\n";
constexpr std::string_view good_key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

TEST_F(HttpServerWebSocket, AGoodHandshakeIsAnswered101) {
  const std::vector<std::string> good{
      shaken(good_upgrade, good_connection, good_version, good_key),
      shaken("upgrade: WebSocket\r\n", "connection: keep-alive, Upgrade\r\n", good_version, good_key),
      shaken("Upgrade: h2c, websocket\r\n", "Connection: keep-alive\r\nConnection: upgrade\r\n", good_version,
             good_key),
      shaken(good_upgrade, good_connection, good_version,
             std::string(good_key) + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                                     "Sec-WebSocket-Protocol: chat\r\nOrigin: https://a.example\r\n"),
  };
  std::vector<WireClient> clients;
  for (const auto& request : good) {
    auto& client = clients.emplace_back(connect());
    client.send(request);
    const auto response = client.read(true);
    EXPECT_EQ(response.status, 101) << request;
    EXPECT_EQ(response.header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_EQ(response.header("Upgrade"), "websocket");
    EXPECT_EQ(response.header("Connection"), "Upgrade");
    EXPECT_EQ(response.header("X-Own"), "yes") << "the handler's own headers";
    EXPECT_TRUE(response.header("Date"));
    EXPECT_FALSE(response.header("Content-Length"));
    EXPECT_FALSE(response.header("Sec-WebSocket-Extensions")) << "compression is declined";
    EXPECT_FALSE(response.header("Sec-WebSocket-Protocol"));
  }
  EXPECT_EQ(answered("1xx"), 4);
}

struct BadHandshake {
  std::string request;
  int status;
  std::string says;
};

TEST_F(HttpServerWebSocket, ABadHandshakeIsToldWhyAndTheConnectionGoesOn) {
  const std::string key = "Sec-WebSocket-Key: ";
  const std::vector<BadHandshake> bad{
      {shaken("", "", "", ""), 426, "connect with ws:// or wss://"},
      {shaken("", good_connection, good_version, good_key), 426, "Upgrade: websocket"},
      {shaken("Upgrade: websockets\r\n", good_connection, good_version, good_key), 426, "Upgrade: websocket"},
      {shaken(good_upgrade, good_connection, good_version, good_key, "HEAD /socket HTTP/1.1"), 426, ""},
      {shaken(good_upgrade, good_connection, good_version, good_key, "POST /socket HTTP/1.1"), 426, "send GET"},
      {shaken(good_upgrade, "", good_version, good_key), 400, "Connection: Upgrade"},
      {shaken(good_upgrade, "Connection: keep-alive\r\n", good_version, good_key), 400, "Connection: Upgrade"},
      {shaken(good_upgrade, good_connection, "", good_key), 426, "version 13"},
      {shaken(good_upgrade, good_connection, "Sec-WebSocket-Version: 8\r\n", good_key), 426, "version 13"},
      {shaken(good_upgrade, good_connection, "Sec-WebSocket-Version: 13, 8\r\n", good_key), 426, "version 13"},
      {shaken(good_upgrade, good_connection, good_version, ""), 400, "Sec-WebSocket-Key"},
      {shaken(good_upgrade, good_connection, good_version, key + "\r\n"), 400, "Sec-WebSocket-Key"},
      {shaken(good_upgrade, good_connection, good_version, key + "dGhlIHNhbXBsZSBub25jZQ\r\n"), 400, "base64"},
      {shaken(good_upgrade, good_connection, good_version, key + "dGhlIHNhbXBsZSBub25j!Q==\r\n"), 400, "base64"},
      {shaken(good_upgrade, good_connection, good_version, key + "dGhlIHNhbXBsZSBub25jZTEyMzQ=\r\n"), 400, "base64"},
      {shaken(good_upgrade, good_connection, good_version, std::string(good_key) + std::string(good_key)), 400, "once"},
  };
  auto client = connect();
  for (const auto& [request, status, says] : bad) {
    client.send(request);
    const auto response = client.read(request.starts_with("HEAD"));
    EXPECT_EQ(response.status, status) << request;
    EXPECT_EQ(response.header("Sec-WebSocket-Version"), "13");
    EXPECT_EQ(response.header("Upgrade").has_value(), status == 426);
    EXPECT_THAT(response.body, HasSubstr(says)) << request;
  }
  client.send(get_empty);
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(shown(), 0);
}

TEST_F(HttpServerWebSocket, HttpOfOldHasNoUpgrades) {
  auto client = connect();
  client.send(
      "GET /socket HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_EQ(client.read().status, 426);
}

TEST_F(HttpServerWebSocket, AHandlerWithoutAnUpgradeAnswersAsEver) {
  auto client = connect();
  client.send(handshake_of("/info", "X-Test: here\r\n"));
  const auto response = client.read();
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("/info||here"));
  client.send(get_empty);
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(HttpServerWebSocket, MessagesComeAndGo) {
  auto client = open_socket();
  EXPECT_EQ(shown(), 1);
  for (const std::string& message : {std::string("hello"), std::string(), std::string("\xc3\xa4"),
                                     std::string(200, 'm'), std::string(70'000, 'l'), std::string("end")}) {
    client.send_text(message);
    EXPECT_EQ(client.read_text(), message);
  }
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(HttpServerWebSocket, WhatComesWithTheHandshakeIsRead) {
  std::string early = wire_frame(0x81, "one") + wire_frame(0x81, std::string(3'000, '2'));
  const std::string third = wire_frame(0x81, "three");
  auto client = open_socket(early + third.substr(0, 3));
  EXPECT_EQ(client.read_text(), "one");
  EXPECT_EQ(client.read_text().size(), 3'000U);
  client.wire().send(third.substr(3));
  EXPECT_EQ(client.read_text(), "three");
}

TEST_F(HttpServerWebSocket, WhatComesDuringASlowHandlerIsRead) {
  auto client = connect();
  client.send(post("/held", "x") + handshake_of("/socket") + wire_frame(0x81, "early"));
  arrived(client);
  advance(TimingWheel::tick * 3);
  handler.release();
  EXPECT_EQ(client.read().body, "x");
  WebSocketClient socket(std::move(client));
  EXPECT_EQ(socket.wire().read(true).status, 101);
  EXPECT_EQ(socket.read_text(), "early");
}

TEST_F(HttpServerWebSocket, FragmentsAreOneMessageAndPingsMayStandBetween) {
  auto client = open_socket();
  client.send(Op::text, "he", false);
  client.send(Op::more, "", false);
  client.send(Op::ping, "are you there?");
  client.send(Op::pong, "nobody asked");
  client.send(Op::more, "l\xc3", false);
  client.send(Op::more, "\xa4o", true);
  const auto pong = client.read();
  EXPECT_EQ(pong.op, Op::pong);
  EXPECT_EQ(pong.payload, "are you there?");
  EXPECT_EQ(client.read_text(), "hel\xc3\xa4o");
}

struct BadFrame {
  std::string_view why;
  std::string wire;
  unsigned code;
};

TEST_F(HttpServerWebSocket, ClientsThatBreakTheRulesAreClosed) {
  const std::vector<BadFrame> bad{
      {"no mask", wire_frame(0x81, "hi", false), 1002},
      {"a reserved bit", wire_frame(0xc1, "hi"), 1002},
      {"another one", wire_frame(0xa1, "hi"), 1002},
      {"a kind of frame that nobody knows", wire_frame(0x83, "hi"), 1002},
      {"a control frame that nobody knows", wire_frame(0x8b, "hi"), 1002},
      {"a ping in fragments", wire_frame(0x09, "hi"), 1002},
      {"a ping that is too long", wire_frame(0x89, std::string(126, 'p')), 1002},
      {"the rest of nothing", wire_frame(0x80, "hi"), 1002},
      {"a message in a message", wire_frame(0x01, "hi") + wire_frame(0x81, "hi"), 1002},
      {"no UTF-8", wire_frame(0x81, "\xff\xfe"), 1007},
      {"half a character", wire_frame(0x81, "\xc3"), 1007},
      {"half a character in fragments", wire_frame(0x01, "\xc3") + wire_frame(0x80, "x"), 1007},
      {"bytes", wire_frame(0x82, "hi"), 1003},
      {"a close frame with half a code", wire_frame(0x88, "\x03"), 1002},
      {"a close frame with a code of nobody", wire_frame(0x88, close_payload(1005)), 1002},
  };
  for (const auto& [why, wire, code] : bad) {
    auto client = open_socket();
    client.wire().send(wire);
    EXPECT_EQ(client.read_close(), code) << why;
    client.wire().send(wire_frame(0x88, close_payload(code)));
    EXPECT_TRUE(client.wire().sees_end()) << why;
    client.wire().close();
    until([&] { return server->connections() == 0; });
  }
  EXPECT_EQ(ended_by("malformed"), static_cast<double>(bad.size()));
  EXPECT_EQ(served->ended, static_cast<int>(bad.size()));
  EXPECT_THAT(served->messages, ElementsAre()) << "no handler has seen anything of this";
}

TEST_F(HttpServerWebSocket, ManySocketsShareOneText) {
  std::vector<WebSocketClient> clients;
  clients.reserve(50);
  for (int i = 0; i < 50; ++i) {
    clients.push_back(open_socket());
  }
  const auto text = text_of(std::string(5'000, 's'));
  for (const auto& socket : served->open) {
    EXPECT_TRUE(socket->send(text));
    EXPECT_GT(socket->unsent(), 0U);
  }
  for (auto& client : clients) {
    EXPECT_EQ(client.read_text(), *text);
  }
  settle();
  EXPECT_EQ(text.use_count(), 1) << "nobody keeps what was sent";
  for (const auto& socket : served->open) {
    EXPECT_EQ(socket->unsent(), 0U);
  }
}

TEST_F(HttpServerWebSocket, TextsGoInTheirOrder) {
  auto client = open_socket();
  for (int i = 0; i < 500; ++i) {
    served->open.front()->send(text_of(std::to_string(i)));
  }
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(client.read_text(), std::to_string(i));
  }
}

// Alone among small frames, of which each read finds hundreds.
TEST_F(HttpServerWebSocket, AFloodOfFramesHoldsUpNobody) {
  served->echoes = false;
  auto flooding = open_socket();
  auto other = connect();
  std::string flood;
  for (int i = 0; i < 20'000; ++i) {
    flood += wire_frame(i % 2 == 0 ? 0x81 : 0x8a, "");
  }
  while (flooding.wire().try_send(flood) && flood.size() < 100'000'000) {  // as much as the sockets take
  }
  other.send(get_empty);
  other.delivered();
  std::size_t steps = 0;
  while (handler.answered < 2 && steps < 1'000'000) {
    io.restart();
    io.run_one_for(std::chrono::milliseconds(5));
    ++steps;
  }
  EXPECT_EQ(handler.answered, 2);
  EXPECT_LT(served->messages.size(), 5'000U) << "the other client was served before the end of the flood";
  flooding.wire().reset();
}

using Local = boost::asio::local::stream_protocol;

class HttpServerWebSocketUnix : public WebSocketTest {
 protected:
  void SetUp() override {
    handler.upgrade = [this] { return std::make_unique<ServedSocket>(served, clock); };
    server = std::make_unique<http::Server>(std::vector<http::ServerShard>{{io, *wheel}}, handler, http::ServerLimits(),
                                            clock, metrics);
    server->trust(http::TrustedProxies::parse("unix").value());
    server->listen("unix:" + path(), 0);
    server->start();
    settle();
  }
  std::string path() const { return (folder.path() / "bot.sock").string(); }

  TemporaryFolder folder;
};

TEST_F(HttpServerWebSocketUnix, AUnixSocketCarriesThemToo) {
  Local::socket client(io);
  client.connect(Local::endpoint(path()));
  client.non_blocking(true);
  client.send(boost::asio::buffer(handshake_of("/socket", "X-Forwarded-For: 192.0.2.1\r\n") + wire_frame(0x81, "hi")));
  std::string answer;
  until([&] {
    std::array<char, 4096> bytes;
    boost::system::error_code ec;
    answer.append(bytes.data(), client.read_some(boost::asio::buffer(bytes), ec));
    return answer.ends_with("\x81\x02hi");
  });
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 101 "));
  client.close();
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(ended_by("lost"), 1);
}

}  // namespace
}  // namespace tern::test
