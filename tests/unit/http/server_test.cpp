#include "http_fixture.hpp"

#include <tern/error.hpp>

namespace tern::test {
namespace {

using namespace std::chrono_literals;

TEST_F(HttpServerTest, ASharedBodyIsSentToSlowClientsWithoutCopies) {
  handler.shared = std::make_shared<const std::string>(8 * 1024 * 1024, 's');
  std::vector<WireClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connect());
    clients.back().send("GET /shared HTTP/1.1\r\nHost: a\r\n\r\n");
    arrived(clients.back());
  }
  EXPECT_EQ(handler.shared.use_count(), 4) << "each of the three waits for its client with the same bytes";
  for (auto& client : clients) {
    EXPECT_EQ(client.read().body, *handler.shared);
  }
  handler.shared = std::make_shared<const std::string>("small");
  clients.front().send("GET /shared HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(clients.front().read().body, "small");
}

TEST_F(HttpServerTest, EmptyAnswerHasLengthZeroAndNoType) {
  auto client = connect();
  client.send(get_empty);
  EXPECT_EQ(client.read_head().status, 200);
  client.send("GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(without_date(client.read_to_end()), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(client.was_reset());
  EXPECT_EQ(answered("2xx"), 2);
}

TEST_F(HttpServerTest, RequestIsSeenWhole) {
  auto client = connect();
  client.send(post("/info?a=1&b=%20?", "the body", "x-Test: \t some value \r\n"));
  EXPECT_EQ(client.read().body, "2|/info|a=1&b=%20?|some value|127.0.0.1|the body");
}

TEST_F(HttpServerTest, AbsoluteTargetsAreReduced) {
  auto client = connect();
  client.send("GET HTTP://example.org/info?q HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read().body, "0|/info|q|-|127.0.0.1|");
}

TEST_F(HttpServerTest, ConnectionServesManyRequests) {
  auto client = connect();
  for (int i = 0; i < 100; ++i) {
    client.send(post("/echo", "body " + std::to_string(i)));
    const auto response = client.read();
    EXPECT_EQ(response.body, "body " + std::to_string(i));
    EXPECT_EQ(response.header("Content-Type"), "text/plain");
    EXPECT_FALSE(response.header("Connection"));
  }
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  auto client = connect();
  std::string all;
  for (int i = 0; i < 200; ++i) {
    all += post("/echo", std::to_string(i)) + (i % 3 == 0 ? "\r\n" : "");
  }
  client.send(all);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(client.read().body, std::to_string(i));
  }
}

TEST_F(HttpServerTest, ByteByByteMakesNoDifference) {
  auto client = connect();
  const std::string requests =
      "\r\n" + post("/echo", "hello") +
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\nT: "
      "v\r\n\r\n" +
      get_empty;
  for (const char& c : requests) {
    client.send({&c, 1});
    settle();
  }
  EXPECT_EQ(client.read().body, "hello");
  EXPECT_EQ(client.read().body, "abc0123456789");
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(HttpServerTest, TrailersAreNotHeaders) {
  auto client = connect();
  client.send(
      "POST /info HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\nX-Test: smuggled\r\n\r\n");
  EXPECT_EQ(client.read().body, "2|/info||-|127.0.0.1|x");
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  auto client = connect();
  client.send("HEAD /medium HTTP/1.1\r\nHost: a\r\n\r\n" + get_empty);
  const auto head = client.read(true);
  EXPECT_EQ(head.header("Content-Length"), "20480");
  EXPECT_EQ(client.read().header("Content-Length"), "0");
}

TEST_F(HttpServerTest, LargeBodiesGoOutWhole) {
  auto client = connect();
  client.send("GET /medium HTTP/1.1\r\nHost: a\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r\n\r\n" + get_empty);
  EXPECT_EQ(client.read().body, std::string(20 * 1024, 'm'));
  EXPECT_EQ(client.read().body, std::string(8 * 1024 * 1024, 'b'));
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(HttpServerTest, LargeRequestsArriveWhole) {
  auto client = connect();
  for (const std::size_t size : {4000U, 5000U, 70'000U, 256U * 1024U}) {
    std::string body(size, 'x');
    for (std::size_t i = 0; i < size; i += 7) {
      body[i] = static_cast<char>(i * 31);
    }
    client.send(post("/echo", body));
    EXPECT_EQ(client.read().body, body);
  }
}

TEST_F(HttpServerTest, OldClientsCloseUnlessTheyAskToKeep) {
  auto keeping = connect();
  keeping.send("GET /empty HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(keeping.read().header("Connection"), "keep-alive");
  keeping.send("GET /empty HTTP/1.0\r\n\r\n");
  EXPECT_EQ(keeping.read().header("Connection"), "close");
  EXPECT_TRUE(keeping.sees_end());
}

TEST_F(HttpServerTest, ContinueIsSentBeforeTheBody) {
  auto client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  EXPECT_EQ(handler.requests, 0);
  client.send("hello");
  EXPECT_EQ(client.read().body, "hello");
}

TEST_F(HttpServerTest, ContinueIsLeftOutWhenTheBodyIsThere) {
  auto client = connect();
  client.send(post("/echo", "hello", "Expect: 100-continue\r\n"));
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(HttpServerTest, ExceptionBecomes500WithoutItsText) {
  auto client = connect();
  client.send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n" + get_empty);
  const auto response = client.read();
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body, error_text("ServiceError", "The bot could not process the request."));
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(answered("5xx"), 1);
}

TEST_F(HttpServerTest, StatusThatIsNoneBecomes500) {
  auto client = connect();
  for (const char* status : {"0", "100", "1000"}) {
    client.send("GET /status?" + std::string(status) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read().status, 500);
  }
  client.send("GET /status?299 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read().status, 299);
}

TEST_F(HttpServerTest, NoContentHasNoLength) {
  auto client = connect();
  client.send("GET /status?204 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(without_date(client.read_to_end()), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpServerTest, HandlerCannotSplitTheResponse) {
  auto client = connect();
  client.send("GET /headers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(without_date(client.read_to_end()),
            "HTTP/1.1 200 OK\r\nX-Good: one  X-Evil: two\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpServerTest, HandlerMayAskToClose) {
  auto client = connect();
  client.send("GET /bye HTTP/1.1\r\nHost: a\r\n\r\n" + get_empty);
  EXPECT_EQ(client.read().header("Connection"), "close");
  EXPECT_TRUE(client.sees_end());
}

TEST_F(HttpServerTest, HalfClosedClientGetsItsAnswer) {
  auto client = connect();
  client.send(post("/echo", "last"));
  client.half_close();
  EXPECT_EQ(client.read().body, "last");
  EXPECT_TRUE(client.sees_end());
}

TEST_F(HttpServerTest, ConnectionsAreCounted) {
  Gauge gauge = metrics.gauge("tern_http_connections", "");
  {
    auto a = connect();
    auto b = connect();
    settle();
    EXPECT_EQ(gauge.value(), 2);
    EXPECT_EQ(server->connections(), 2U);
  }
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(gauge.value(), 0);
}

TEST_F(HttpServerTest, ListenErrorsSayWhatToDo) {
  http::Server other({{io, *wheel}}, handler, {}, clock, metrics);
  const auto text = [&](const std::string& address, std::uint16_t port) -> std::string {
    try {
      other.listen(address, port);
      return "no error";
    } catch (const system_error& e) {
      return e.what();
    }
  };
  const std::string port = std::to_string(server->port());
  const std::string in_use = text("127.0.0.1", server->port());
  EXPECT_NE(in_use.find("address 127.0.0.1 port " + port + "; another program uses this port"), std::string::npos)
      << in_use;
  EXPECT_NE(text("192.0.2.1", 0).find("no such address"), std::string::npos);
  EXPECT_NE(text("localhost", 0).find("no host name"), std::string::npos);
  EXPECT_EQ(other.port(), 0);
  EXPECT_THROW(other.start(), system_error);
  other.listen("127.0.0.1", 0);
  EXPECT_NE(other.port(), 0);
  EXPECT_THROW(other.listen("127.0.0.1", 0), system_error);
}

}  // namespace
}  // namespace tern::test
