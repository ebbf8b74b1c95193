#include "http_fixture.hpp"

#include <sys/resource.h>

namespace tern::test {
namespace {

using namespace std::chrono_literals;

class HttpServerLimits : public HttpServerTest {
 protected:
  void SetUp() override { start({.connections = 3, .body = 1000, .header = 2000, .requests_per_connection = 5}); }

  void expect_refused(WireClient& client, int status, const std::string& code, const std::string& reason) {
    const double before = rejected(reason);
    const auto response = client.read();
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_EQ(response.header("Content-Type"), "application/json");
    EXPECT_NE(response.body.find("{\"error\":{\"code\":\"" + code + "\",\"message\":\""), std::string::npos)
        << response.body;
    EXPECT_TRUE(client.sees_end());
    EXPECT_GE(rejected(reason), std::max(1.0, before));
    client.close();
    until([&] { return server->connections() == 0; });
  }

  void refuses(const std::string& request, int status, const std::string& code, const std::string& reason) {
    SCOPED_TRACE(request.substr(0, 100));
    auto client = connect();
    client.send(request);
    expect_refused(client, status, code, reason);
    EXPECT_EQ(handler.requests, 0);
  }
};

TEST_F(HttpServerLimits, MalformedRequestsAreRefused) {
  for (const char* request :
       {"what\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "\x16\x03\x01\x02garbage",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "\r\r\n", "GET / HTTP/1.1 \r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET / HTTQ/1.1\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n"}) {
    refuses(request, 400, "BadRequest", "malformed");
  }
}

TEST_F(HttpServerLimits, OtherVersionsAreRefused) {
  refuses("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "HttpVersionNotSupported", "version");
  refuses("GET / HTTP/0.9\r\n\r\n", 505, "HttpVersionNotSupported", "version");
  refuses("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HttpVersionNotSupported", "version");
}

TEST_F(HttpServerLimits, TheHandlerAddsWhatItsClientsNeed) {
  const auto answer_to = [this](const std::string& request) {
    auto client = connect();
    client.send(request);
    const auto response = client.read();
    client.close();
    until([&] { return server->connections() == 0; });
    return std::to_string(response.status) + ' ' + response.header("X-For").value_or("");
  };
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n";
  EXPECT_EQ(answer_to(head + "Content-Length: 5000\r\n\r\n"), "413 /x of http://b");
  EXPECT_EQ(answer_to(head + "Transfer-Encoding: gzip\r\n\r\n"), "501 /x of http://b");
  EXPECT_EQ(answer_to("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n"), "413 ");
  EXPECT_EQ(answer_to("what\r\n\r\n"), "400 ");
  auto slow = connect();
  slow.send(head + "Content-Length: 5\r\n\r\n");
  arrived(slow);
  advance(60s);
  const auto late = slow.read();
  EXPECT_EQ(late.status, 408);
  EXPECT_EQ(late.header("X-For"), "/x of http://b");
}

TEST_F(HttpServerLimits, UnknownCodingsAndExpectationsAreRefused) {
  refuses("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nGET / HTTP/1.1\r\n", 501, "NotImplemented",
          "transfer_encoding");
  refuses("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "NotImplemented",
          "transfer_encoding");
  refuses("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: the-worst\r\n\r\n", 417, "ExpectationFailed",
          "expectation");
}

TEST_F(HttpServerLimits, LongHeadersAreRefused) {
  const std::string x(3000, 'x');
  refuses("GET /" + x + " HTTP/1.1\r\nHost: a\r\n\r\n", 431, "HeaderTooLarge", "header_limit");
  refuses("GET / HTTP/1.1\r\nHost: a\r\nX: " + x + "\r\n\r\n", 431, "HeaderTooLarge", "header_limit");
  refuses("GET /" + x.substr(0, 1200) + " HTTP/1.1\r\nHost: a\r\nX: " + x.substr(0, 1200) + "\r\n\r\n", 431,
          "HeaderTooLarge", "header_limit");
  refuses("GET / HTTP/1.1\r\nHost: a\r\nX: " + x, 431, "HeaderTooLarge", "header_limit");
}

TEST_F(HttpServerLimits, HeaderAtTheLimitIsAccepted) {
  std::string request = "GET /empty HTTP/1.1\r\nHost: a\r\nX: ";
  request += std::string(2000 - request.size() - 4, 'x') + "\r\n\r\n";
  auto client = connect();
  client.send(request + post("/echo", std::string(1000, 'y')));
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(client.read().body.size(), 1000U);
}

TEST_F(HttpServerLimits, LongBodiesAreRefused) {
  refuses(post("/echo", std::string(1001, 'x')), 413, "PayloadTooLarge", "body_limit");
  refuses("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n200\r\n" + std::string(512, 'x') +
              "\r\n200\r\n" + std::string(512, 'x') + "\r\n0\r\n\r\n",
          413, "PayloadTooLarge", "body_limit");
  refuses("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 413,
          "PayloadTooLarge", "body_limit");
}

TEST_F(HttpServerLimits, LongBodyIsRefusedInsteadOfContinue) {
  refuses("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\nExpect: 100-continue\r\n\r\n", 413, "PayloadTooLarge",
          "body_limit");
}

TEST_F(HttpServerLimits, ClientThatWritesOnStillGetsTheRefusal) {
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n");
  for (int i = 0; i < 9; ++i) {
    client.send(std::string(100'000, 'x'));
  }
  expect_refused(client, 413, "PayloadTooLarge", "body_limit");
}

TEST_F(HttpServerLimits, LingeringIsBounded) {
  auto client = connect();
  client.send("nonsense\r\n\r\n");
  EXPECT_EQ(client.read().status, 400);
  const std::string piece(64 * 1024, 'x');
  until([&] { return !client.try_send(piece) && server->connections() == 0; });
}

TEST_F(HttpServerLimits, ChunkFramingIsBounded) {
  refuses("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" + std::string(2100, 'x'), 431,
          "HeaderTooLarge", "header_limit");
  refuses("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(2100, 'x'), 431,
          "HeaderTooLarge", "header_limit");
}

TEST_F(HttpServerLimits, TooManyConnectionsAreTold503) {
  auto a = connect();
  auto b = connect();
  auto c = connect();
  auto d = connect();
  d.send(get_empty);
  const auto response = d.read();
  EXPECT_EQ(response.status, 503);
  if (!over_tls()) {
    EXPECT_EQ(response.header("Retry-After"), "1");
    EXPECT_EQ(response.header("Connection"), "close");
  }
  EXPECT_TRUE(d.sees_end());
  d.close();
  until([&] { return server->connections() == 3; });
  EXPECT_EQ(rejected("connections"), 1);

  a.send(get_empty);
  EXPECT_EQ(a.read().status, 200);
  b.close();
  until([&] { return server->connections() == 2; });
  auto e = connect();
  e.send(get_empty);
  EXPECT_EQ(e.read().status, 200);
}

TEST_F(HttpServerLimits, EveryoneBeyondTheBoundIsTold503AndFewAreKept) {
  const auto a = connect();
  const auto b = connect();
  const auto c = connect();
  std::vector<WireClient> clients;
  for (int i = 0; i < 700; ++i) {
    clients.emplace_back(server->port(), [this] { settle(); });
    clients.back().send(get_empty);
  }
  until([&] { return rejected("connections") == 700; });
  settle();
  EXPECT_LE(server->connections(), 3U + http::ServerLimits().refusals);
  EXPECT_GT(server->connections(), 3U) << "the last ones have time to read";
  for (auto& client : clients) {
    EXPECT_EQ(client.read().status, 503);
  }
  EXPECT_EQ(handler.requests, 0);
}

TEST_F(HttpServerLimits, AClientThatWasTold503AndStaysIsCutOff) {
  if (over_tls()) {
    GTEST_SKIP() << "a client of TLS has nothing to send then";
  }
  const auto a = connect();
  const auto b = connect();
  const auto c = connect();
  auto stays = connect();
  auto writes = connect();
  EXPECT_EQ(stays.read().status, 503);
  EXPECT_TRUE(stays.sees_end());
  const std::string piece(64 * 1024, 'x');
  until([&] { return !writes.try_send(piece) && server->connections() == 4; });
  advance(std::chrono::seconds(2) + 2 * TimingWheel::tick);
  EXPECT_EQ(server->connections(), 3U);
}

TEST_F(HttpServerLimits, AbortEndsThoseThatWereTold503) {
  const auto a = connect();
  const auto b = connect();
  const auto c = connect();
  auto refused = connect();
  server->abort();
  until([&] { return server->connections() == 0; });
}

TEST_F(HttpServerLimits, RequestsOfAConnectionAreLimited) {
  auto client = connect();
  std::string all;
  for (int i = 0; i < 6; ++i) {
    all += get_empty;
  }
  client.send(all);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(client.read().header("Connection"));
  }
  EXPECT_EQ(client.read().header("Connection"), "close");
  EXPECT_TRUE(client.sees_end());
  EXPECT_EQ(handler.requests, 5);
}

}  // namespace
}  // namespace tern::test
