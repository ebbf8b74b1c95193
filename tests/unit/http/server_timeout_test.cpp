#include "http_fixture.hpp"

namespace tern::test {
namespace {

using namespace std::chrono_literals;

constexpr auto tick = TimingWheel::tick;

TEST_F(HttpServerTest, SilentConnectionIsClosedWithoutAWord) {
  auto client = connect();
  advance(9s);
  EXPECT_FALSE(client.has_input());
  advance(1s + tick);
  EXPECT_TRUE(client.sees_end());
  EXPECT_EQ(rejected("header_timeout"), 0);
}

TEST_F(HttpServerTest, SlowHeaderIsAnswered408) {
  auto client = connect();
  client.send("GET / HTTP/1.1\r\n");
  arrived(client);
  advance(10s - tick);
  EXPECT_FALSE(client.has_input());
  advance(2 * tick);
  const auto response = client.read();
  EXPECT_EQ(response.status, 408);
  EXPECT_EQ(response.body, error_text("RequestTimeout", "The header did not arrive in time."));
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_TRUE(client.sees_end());
  EXPECT_EQ(rejected("header_timeout"), 1);
}

TEST_F(HttpServerTest, SlowLorisGetsNoMoreTimeForItsBytes) {
  auto client = connect();
  const std::string header = "GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  std::size_t sent = 0;
  while (!client.has_input() && sent < header.size()) {
    client.send(header.substr(sent++, 1));
    arrived(client);
    advance(1s);
  }
  EXPECT_LE(sent, 11U);
  EXPECT_EQ(client.read().status, 408);
}

TEST_F(HttpServerTest, SlowBodyIsAnswered408) {
  auto client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 29; ++i) {
    client.send("x");
    arrived(client);
    advance(1s);
    ASSERT_FALSE(client.has_input());
  }
  advance(1s + tick);
  const auto response = client.read();
  EXPECT_EQ(response.status, 408);
  EXPECT_EQ(response.body, error_text("RequestTimeout", "The body did not arrive in time."));
  EXPECT_TRUE(client.sees_end());
  EXPECT_EQ(rejected("body_timeout"), 1);
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(HttpServerTest, IdleConnectionIsClosed) {
  auto client = connect();
  client.send(get_empty);
  EXPECT_EQ(client.read().status, 200);
  advance(74s);
  EXPECT_FALSE(client.has_input());
  advance(1s + tick);
  EXPECT_TRUE(client.sees_end());
}

TEST_F(HttpServerTest, IdleConnectionThatGaveBackItsBuffersServesOn) {
  auto client = connect();
  for (int i = 0; i < 5; ++i) {
    advance(9s / (i + 1));  // longer than a connection keeps its buffers
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    arrived(client);
    client.send("hello");
    EXPECT_EQ(client.read().body, "hello");
  }
  advance(76s);
  EXPECT_TRUE(client.sees_end());
}

TEST_F(HttpServerTest, LaterHeaderHasItsOwnTime) {
  auto client = connect();
  client.send(get_empty);
  EXPECT_EQ(client.read().status, 200);
  advance(60s);
  client.send("GET");
  arrived(client);
  advance(9s);
  EXPECT_FALSE(client.has_input());
  advance(1s + 2 * tick);
  EXPECT_EQ(client.read().status, 408);
}

TEST_F(HttpServerTest, HandlerIsNotTimed) {
  auto client = connect();
  client.send(post("/held", "late"));
  until([&] { return !handler.held.empty(); });
  advance(1h);
  EXPECT_FALSE(client.has_input());
  handler.release();
  EXPECT_EQ(client.read().body, "late");
}

TEST_F(HttpServerTest, ClientThatDoesNotReadIsCutOff) {
  auto client = connect();
  client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  until([&] { return handler.answered == 1; });
  settle();
  advance(29s);
  EXPECT_EQ(server->connections(), 1U);
  advance(1s + 2 * tick);
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_LT(client.read_to_end().size(), 8U * 1024 * 1024);
}

TEST_F(HttpServerTest, RefusedClientThatDoesNotCloseIsCutOff) {
  auto client = connect();
  client.send("nonsense\r\n\r\n");
  EXPECT_EQ(client.read().status, 400);
  settle();
  EXPECT_EQ(server->connections(), 1U);
  advance(2s + 2 * tick);
  EXPECT_EQ(server->connections(), 0U);
}

}  // namespace
}  // namespace tern::test
